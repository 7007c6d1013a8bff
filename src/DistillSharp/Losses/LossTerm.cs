using static TorchSharp.torch;

namespace DistillSharp.Losses;

/// <summary>
/// A loss as a sum and the number of things summed (samples or valid positions). Means are taken at the very end, so that
/// short batches, padding and gradient accumulation keep their true weights.
/// </summary>
/// <param name="Sum">Scalar tensor: the loss summed over the batch.</param>
/// <param name="Count">What to divide by: samples, or valid positions.</param>
public readonly record struct LossTerm(Tensor Sum, double Count)
{
    /// <summary>The mean, a scalar tensor; 0 for a count of 0.</summary>
    public Tensor Mean => Sum / Math.Max(Count, 1e-12);

    /// <summary>A loss whose formula is a mean over the batch already, given the number of samples it stands for.</summary>
    public static LossTerm FromMean(Tensor mean, long count) => new(mean * count, count);
}
