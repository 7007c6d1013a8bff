using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;

namespace DistillSharp.Training;

/// <summary>Batch normalisation has no variance to divide by in a batch of one sample.</summary>
public static class BatchNormCheck
{
    /// <summary>Refuses batches of one for networks with batch-norm before the first step.</summary>
    /// <exception cref="InvalidOperationException">A batch of one would occur; says which and how to avoid it.</exception>
    public static void ThrowIfTooSmall(Network network, IBatchSource source, int batchSize)
    {
        var norm = network.named_modules().FirstOrDefault(entry => entry.module is BatchNorm1d or BatchNorm2d or BatchNorm3d).name;
        var smallest = source.SampleCount % batchSize == 0 ? Math.Min(batchSize, source.SampleCount) : source.SampleCount % batchSize;
        if (norm is not null && smallest == 1)
        {
            throw new InvalidOperationException(
                $"{source.SampleCount} training samples in batches of {batchSize} leave a batch of one sample, which batch-norm `{norm}` cannot train on; choose another batch_size");
        }
    }
}
