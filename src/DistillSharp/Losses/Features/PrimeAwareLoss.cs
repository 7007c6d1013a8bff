using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Prime-aware adaptive distillation (Zhang et al., ECCV 2020): samples weigh as much as the student is certain about them.
/// </summary>
public static class PrimeAwareLoss
{
    /// <summary>d/σ² + log σ², mean over samples; d is the mean squared difference of a sample's embeddings.</summary>
    /// <param name="student">The student's (projected) embedding [N, D].</param>
    /// <param name="teacher">The teacher's embedding [N, D].</param>
    /// <param name="logVariance">log σ² [N], predicted from the student's embedding.</param>
    /// <exception cref="ArgumentException">The shapes differ, or there is not one variance per sample.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, Tensor logVariance)
    {
        FeatureShapes.RequireEqual("prime_aware", student.shape, teacher.shape);
        if (logVariance.dim() != 1 || logVariance.shape[0] != student.shape[0])
        {
            throw new ArgumentException($"prime_aware: log-variances {FeatureShapes.Text(logVariance.shape)} for {student.shape[0]} samples; there must be one per sample");
        }

        var distance = (student.Widen() - teacher.AsTarget(student)).square().flatten(1).mean([1]);
        var spread = logVariance.Widen();
        return ((distance * (-spread).exp()) + spread).mean();
    }
}
