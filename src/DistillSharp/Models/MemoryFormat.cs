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
    /// <summary>
    /// Reorders the weights of every 2-d convolution in place; the convolutions then write in that order whatever they read. Parameters stay
    /// the same objects with the same values. Weights on another device than the CPU are left: what is faster there depends on the card.
    /// </summary>
    public static void Apply(nn.Module module, MemoryFormat format)
    {
        using var noGradient = no_grad();
        foreach (var (_, parameter) in module.named_parameters())
        {
            if (parameter.dim() != 4 || parameter.device.type != DeviceType.CPU)
            {
                continue;
            }

            using var scope = NewDisposeScope();
            parameter.set_(format == MemoryFormat.ChannelsLast ? parameter.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : parameter.contiguous());
        }
    }
}
