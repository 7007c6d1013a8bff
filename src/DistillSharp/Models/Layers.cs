using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>The layers that networks are built of. Inside <see cref="WithoutValues"/> their parameters have shapes only.</summary>
internal static class Layers
{
    [ThreadStatic]
    private static Device? s_device;

    /// <summary>Builds a network on torch's meta device: nothing is allocated or drawn, and nothing can be computed.</summary>
    public static T WithoutValues<T>(Func<T> build)
    {
        s_device = new Device(TorchSharp.DeviceType.META);
        try
        {
            return build();
        }
        finally
        {
            s_device = null;
        }
    }

    /// <summary>A convolution whose padding keeps the size at stride 1.</summary>
    public static Conv2d Convolution(long inputs, long outputs, long kernel, long stride = 1, long groups = 1, bool bias = false) =>
        nn.Conv2d(inputs, outputs, kernel, stride: stride, padding: kernel / 2, groups: groups, bias: bias, device: s_device);

    /// <summary>A convolution of patches that do not overlap.</summary>
    public static Conv2d Patches(long inputs, long outputs, long size) => nn.Conv2d(inputs, outputs, size, stride: size, device: s_device);

    /// <summary>Batch-norm over channels.</summary>
    public static BatchNorm2d Norm(long channels, double epsilon = 1e-5, double momentum = 0.1) =>
        nn.BatchNorm2d(channels, eps: epsilon, momentum: momentum, device: s_device);

    /// <summary>Layer norm over the last axis.</summary>
    public static LayerNorm LayerNorm(long width, double epsilon) => nn.LayerNorm(width, eps: epsilon, device: s_device);

    /// <summary>A fully connected layer.</summary>
    public static Linear Linear(long inputs, long outputs, bool bias = true) => nn.Linear(inputs, outputs, hasBias: bias, device: s_device);

    /// <summary>A parameter of zeros.</summary>
    public static Parameter Zeros(params long[] shape) => nn.Parameter(zeros(shape, device: s_device));

    /// <summary>Convolution, batch-norm and what follows, named 0, 1, 2.</summary>
    public static Sequential ConvolutionNorm(long inputs, long outputs, long kernel, long stride, nn.Module<Tensor, Tensor>? activation, long groups = 1) =>
        Chain([Convolution(inputs, outputs, kernel, stride, groups), Norm(outputs), .. activation is null ? Array.Empty<nn.Module<Tensor, Tensor>>() : [activation]]);

    /// <summary>Layers one after the other, named 0, 1, 2 …</summary>
    public static Sequential Chain(params IEnumerable<nn.Module<Tensor, Tensor>> layers) =>
        nn.Sequential([.. layers.Select((layer, index) => (index.ToString(CultureInfo.InvariantCulture), layer))]);
}
