using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Prime-aware adaptive distillation (Zhang et al., ECCV 2020): the more certain the student is, the more a difference counts.
/// </summary>
public static class PrimeAwareLoss
{
    // Added to the variances, as the authors' code does.
    private const double Epsilon = 1e-6;

    /// <summary>(s − t)²/(σ² + 1e-6) + log σ², mean over dimensions and samples.</summary>
    /// <param name="student">The student's (projected) embedding [N, D].</param>
    /// <param name="teacher">The teacher's embedding [N, D].</param>
    /// <param name="logVariance">log σ², predicted from the student's embedding: [N, D], or [N, 1] for one a sample.</param>
    /// <exception cref="ArgumentException">The shapes differ, or there is one variance neither for each dimension nor for each sample.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, Tensor logVariance)
    {
        FeatureShapes.RequireEqual("prime_aware", student.shape, teacher.shape);
        if (student.dim() != 2 || logVariance.dim() != 2 || logVariance.shape[0] != student.shape[0] || (logVariance.shape[1] != 1 && logVariance.shape[1] != student.shape[1]))
        {
            throw new ArgumentException(
                $"prime_aware: log-variances {FeatureShapes.Text(logVariance.shape)} for embeddings {FeatureShapes.Text(student.shape)}; there must be one for each dimension or one for each sample");
        }

        var spread = logVariance.Widen();
        return (((student.Widen() - teacher.AsTarget(student)).square() / (spread.exp() + Epsilon)) + spread).mean();
    }
}
