using DistillSharp.Data;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>Batch normalisation has no variance to divide by in a batch of one sample.</summary>
public static class BatchNormCheck
{
    /// <summary>Refuses batches of one for networks (and projectors or heads) with batch-norm before the first step.</summary>
    /// <exception cref="InvalidOperationException">A batch of one would occur; says which and how to avoid it.</exception>
    public static void ThrowIfTooSmall(nn.Module network, IBatchSource source, int batchSize)
    {
        var norm = network.named_modules().FirstOrDefault(entry => entry.module is BatchNorm1d or BatchNorm2d or BatchNorm3d).name;
        if (norm is not null && SmallestBatch(source, batchSize) == 1)
        {
            throw new InvalidOperationException(
                $"{source.SampleCount} training samples in batches of {batchSize} leave a batch of one sample, which batch-norm `{norm}` cannot train on; choose another batch_size");
        }
    }

    /// <summary>Samples in the smallest batch of an epoch.</summary>
    public static int SmallestBatch(IBatchSource source, int batchSize) =>
        source.SampleCount % batchSize == 0 ? Math.Min(batchSize, source.SampleCount) : source.SampleCount % batchSize;
}
