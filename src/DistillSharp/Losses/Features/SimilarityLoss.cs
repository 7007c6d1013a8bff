using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Similarity-preserving distillation (Tung and Mori, ICCV 2019): which samples of a batch look alike to each network.</summary>
public static class SimilarityLoss
{
    /// <summary>
    /// Squared Frobenius difference of row-normalised Gram matrices [N, N] of flattened features over N² (eq. 4). Features are
    /// [N, …] of any shapes: neither channels nor sizes need to agree. Couples the samples of a batch.
    /// </summary>
    /// <exception cref="ArgumentException">The batch sizes differ.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher)
    {
        FeatureShapes.RequireBatch("similarity", student.shape, teacher.shape);
        return (Similarities(student.Widen()) - Similarities(teacher.AsTarget(student))).square().mean();
    }

    private static Tensor Similarities(Tensor feature)
    {
        var flat = feature.flatten(1);
        return FeatureTensors.UnitLength(flat.mm(flat.t()), 1);
    }
}
