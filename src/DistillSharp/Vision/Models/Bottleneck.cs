using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>
/// Residual block of 1×1, 3×3 and 1×1 convolutions, the last four times as wide (He et al., 2016, figure 5); the 3×3 convolution
/// has the stride, as in torchvision. <c>relu3</c>'s input is the pre-activation.
/// </summary>
public sealed class Bottleneck : nn.Module<Tensor, Tensor>, INetworkGraph
{
    /// <summary>Output channels for one of the width.</summary>
    public const int Expansion = 4;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly ReLU relu1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly ReLU relu2;
    private readonly Conv2d conv3;
    private readonly BatchNorm2d bn3;
    private readonly ReLU relu3;
    private readonly Sequential? downsample;

    /// <summary>A block from <paramref name="inputs"/> channels to four times <paramref name="width"/>.</summary>
    /// <param name="inputs">Channels it is given.</param>
    /// <param name="width">A quarter of the channels it makes.</param>
    /// <param name="stride">Stride of the 3×3 convolution.</param>
    /// <param name="innerMultiplier">Inner channels for one of <paramref name="width"/>.</param>
    public Bottleneck(long inputs, long width, long stride, long innerMultiplier = 1)
        : base("bottleneck")
    {
        var (inner, outputs) = (width * innerMultiplier, width * Expansion);
        conv1 = Layers.Convolution(inputs, inner, 1);
        bn1 = Layers.Norm(inner);
        relu1 = nn.ReLU();
        conv2 = Layers.Convolution(inner, inner, 3, stride);
        bn2 = Layers.Norm(inner);
        relu2 = nn.ReLU();
        conv3 = Layers.Convolution(inner, outputs, 1);
        bn3 = Layers.Norm(outputs);
        relu3 = nn.ReLU();
        if (stride != 1 || inputs != outputs)
        {
            downsample = Layers.ConvolutionNorm(inputs, outputs, 1, stride, activation: null);
        }

        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var first = conv1.call(input);
        using var firstNormalised = bn1.call(first);
        using var narrow = relu1.call(firstNormalised);
        using var second = conv2.call(narrow);
        using var secondNormalised = bn2.call(second);
        using var middle = relu2.call(secondNormalised);
        using var third = conv3.call(middle);
        using var thirdNormalised = bn3.call(third);
        using var shortcut = downsample?.call(input);
        // Not in place: bn3's output may be tapped.
        using var sum = thirdNormalised + (shortcut ?? input);
        return relu3.call(sum);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var value = graph.Module(conv1, input, nameof(conv1));
        value = graph.Module(bn1, value, nameof(bn1));
        value = graph.Module(relu1, value, nameof(relu1));
        value = graph.Module(conv2, value, nameof(conv2));
        value = graph.Module(bn2, value, nameof(bn2));
        value = graph.Module(relu2, value, nameof(relu2));
        value = graph.Module(conv3, value, nameof(conv3));
        value = graph.Module(bn3, value, nameof(bn3));
        var shortcut = downsample is null ? input : graph.Module(downsample, input, nameof(downsample));
        return graph.Module(relu3, graph.Add(value, shortcut), nameof(relu3));
    }
}
