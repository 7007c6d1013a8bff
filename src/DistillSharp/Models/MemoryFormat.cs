using DistillSharp.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>The order in memory of what convolutions read and write; shapes are [N, C, H, W] in either.</summary>
public enum MemoryFormat
{
    /// <summary>The channels of a pixel side by side.</summary>
    ChannelsLast,

    /// <summary>The pixels of a channel side by side.</summary>
    Contiguous,
}

/// <summary>Puts networks into a memory format.</summary>
public static class MemoryFormats
{
    // As many channels as AVX2 has lanes; with fewer oneDNN's backward pass over channels-last weights writes past its buffers.
    private const int Lanes = 8;

    // As many as AVX-512 has: with fewer inputs its 1×1 convolution of stride 2 does.
    private const int WideLanes = 16;

    /// <summary>
    /// Reorders the weights of every 2-d convolution in place; the convolutions then write in that order whatever they read. Parameters stay
    /// the same objects with the same values. Weights on another device than the CPU are left: what is faster there depends on the card. A network with
    /// a convolution whose output channels are no multiple of 8, or a 1×1 convolution of fewer than 16 inputs, stays contiguous. Where oneDNN gets a network's
    /// convolutions wrong, they are computed without it (<see cref="TorchRuntime.ConvolveAsProducts"/>).
    /// </summary>
    public static void Apply(nn.Module module, MemoryFormat format)
    {
        using var noGradient = no_grad();
        var weights = module.named_parameters().Select(entry => entry.parameter).Where(parameter => parameter.dim() == 4 && parameter.device.type == DeviceType.CPU).ToList();
        if (weights.Any(weight => weight.shape[0] % Lanes != 0 || (weight.shape[2..] is [1, 1] && weight.shape[1] < WideLanes)))
        {
            format = MemoryFormat.Contiguous;
        }

        Guard(weights, format);
        foreach (var parameter in weights)
        {
            using var scope = NewDisposeScope();
            parameter.set_(format == MemoryFormat.ChannelsLast ? parameter.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : parameter.contiguous());
        }
    }

    /// <summary>Keeps oneDNN away from the convolutions of these weights if it may get them wrong; for networks whose format is not ours to choose.</summary>
    internal static void Guard(IEnumerable<Tensor> weights, MemoryFormat format)
    {
        if (weights.Any(weight => weight.dim() == 4 && weight.device.type == DeviceType.CPU && IsDoubtful(weight, format)))
        {
            TorchRuntime.ConvolveAsProducts();
        }
    }

    // Where channels do not fill registers, oneDNN pads them in buffers of its own. Side by side only its 1×1 convolutions do.
    private static bool IsDoubtful(Tensor weight, MemoryFormat format) =>
        (weight.shape[0] % WideLanes != 0 || weight.shape[1] % WideLanes != 0) && weight.shape[2..] is [1, 1] == (format == MemoryFormat.ChannelsLast);
}
