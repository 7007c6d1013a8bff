using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>Refuses, before a stage's first step, batches that its networks or its terms cannot be trained on.</summary>
internal sealed class StageChecks(IBatchSource source, TrainingOptions options)
{
    // Sequences may be counted in tokens, and a batch then holds as many as there is room for.
    private bool HasBatchesOfSamples => options.BatchTokens == 0 || source.Info is { Sequence: null, Ctc: null };

    /// <summary>Refuses data without samples.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public void CheckSamples()
    {
        if (source.SampleCount == 0)
        {
            throw new InvalidOperationException($"the training split of {source.Info.Name} is empty");
        }
    }

    /// <summary>Refuses a batch of one sample for what has batch-norm.</summary>
    /// <exception cref="InvalidOperationException">There would be one; says which and how to avoid it.</exception>
    public void CheckBatchNorm(nn.Module network)
    {
        if (HasBatchesOfSamples)
        {
            BatchNormCheck.ThrowIfTooSmall(network, source, options.BatchSize);
        }
    }

    /// <summary>Refuses accumulation where batches may not be taken apart, and a batch of one sample where samples are compared.</summary>
    /// <exception cref="InvalidOperationException">Either is the case; names the term and says what would be right.</exception>
    public void CheckCoupling(TrainingTask task)
    {
        if (task.CouplingTerm is not { } term)
        {
            return;
        }

        if (options.Accumulate > 1)
        {
            throw new InvalidOperationException($"{term} {task.CouplingReason}, so accumulate must be 1; raise {(HasBatchesOfSamples ? "batch_size" : "batch_tokens")} instead");
        }

        if (task.ComparesSamples && HasBatchesOfSamples && BatchNormCheck.SmallestBatch(source, options.BatchSize) == 1)
        {
            throw new InvalidOperationException(
                $"{source.SampleCount} training samples in batches of {options.BatchSize} leave a batch of one sample, in which {term} has nothing to compare; choose another batch_size");
        }
    }
}
