using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// The recipe of Miles and Mikolajczyk (Understanding the Role of the Projector in Knowledge Distillation, AAAI 2024): normalise over the
/// batch, compare by a soft maximum.
/// </summary>
public static class ProjectorRecipeLoss
{
    // Keeps the logarithm finite where student equals teacher.
    private const double Epsilon = 1e-12;

    // That of the published configuration, ten times torch's own.
    private const double VarianceEpsilon = 1e-4;

    /// <summary>
    /// log Σ |z_s − z_t|^α over all samples and features, z being features with mean 0 and variance 1 over the batch (biased, ε 1e-4).
    /// Couples the samples of a batch.
    /// </summary>
    /// <param name="student">The student's projected embedding [N, D].</param>
    /// <param name="teacher">The teacher's embedding [N, D].</param>
    /// <param name="alpha">α.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the batch has one sample.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, double alpha = 4)
    {
        FeatureShapes.RequireEqual("projector_recipe", student.shape, teacher.shape);
        FeatureShapes.Require(student.shape.Length == 2 && student.shape[0] > 1, "projector_recipe", student.shape, teacher.shape, "embeddings are [N, D] of two samples at least");
        return ((Standardize(student.Widen()) - Standardize(teacher.AsTarget(student))).abs().pow(alpha).sum() + Epsilon).log();
    }

    private static Tensor Standardize(Tensor embedding)
    {
        var centred = embedding - embedding.mean([0], keepdim: true);
        return centred / (centred.square().mean([0], keepdim: true) + VarianceEpsilon).sqrt();
    }
}
