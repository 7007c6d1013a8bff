using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>The five stages of 3×3 convolutions that every VGG has (Simonyan and Zisserman, 2015, table 1).</summary>
internal static class VggStages
{
    /// <summary>Depths that there are; 8 is that of distillation papers.</summary>
    public static IReadOnlyList<int> Depths { get; } = [8, 11, 13, 16, 19];

    /// <summary>Depths of the original.</summary>
    public static IReadOnlyList<int> ImageNetDepths { get; } = [11, 13, 16, 19];

    /// <summary>Convolutions of each stage.</summary>
    /// <exception cref="ArgumentException">There is no VGG of that depth.</exception>
    public static IReadOnlyList<int> Convolutions(int depth) => depth switch
    {
        8 => [1, 1, 1, 1, 1],
        11 => [1, 1, 2, 2, 2],
        13 => [2, 2, 2, 2, 2],
        16 => [2, 2, 3, 3, 3],
        19 => [2, 2, 4, 4, 4],
        _ => throw new ArgumentException($"vgg: depth must be one of {string.Join(", ", Depths)}; it is {depth}"),
    };

    /// <summary>Channels of each stage.</summary>
    public static IReadOnlyList<long> Channels(double widthMultiplier) =>
        [.. new[] { 64, 128, 256, 512, 512 }.Select(channels => Math.Max(1L, (long)Math.Round(channels * widthMultiplier)))];

    /// <summary>Convolution, batch-norm if wanted, ReLU; so many times.</summary>
    public static IEnumerable<nn.Module<Tensor, Tensor>> Stage(long inputs, long outputs, int convolutions, bool batchNorm)
    {
        for (var i = 0; i < convolutions; i++)
        {
            yield return Layers.Convolution(i == 0 ? inputs : outputs, outputs, 3, bias: true);
            if (batchNorm)
            {
                yield return Layers.Norm(outputs);
            }

            yield return nn.ReLU();
        }
    }
}
