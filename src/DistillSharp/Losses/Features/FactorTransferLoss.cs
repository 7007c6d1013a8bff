using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Factor transfer (Kim et al., Paraphrasing Complex Network, NeurIPS 2018): the distance of normalised factors, which are made by a
/// paraphraser from the teacher's map and by a translator from the student's.
/// </summary>
public static class FactorTransferLoss
{
    /// <summary>Factors are reduced to spatial maps first, as in common code.</summary>
    public const string Code = "code";

    /// <summary>Whole factors are compared, as the paper has it.</summary>
    public const string Paper = "paper";

    /// <summary>
    /// Mean over all elements of |Δ|^p2. Δ is the difference of unit-length spatial maps (mean over channels of x^p1, the larger map
    /// average-pooled to the smaller). The paper's variant compares whole unit-length factors of one shape: p2 = 1 by the mean of |Δ| over
    /// all elements, as the authors' code (their weight of 500 is for that), else by the p2-norm of a sample's Δ, mean over the batch.
    /// </summary>
    /// <param name="student">The student's factor [N, C, H, W].</param>
    /// <param name="teacher">The teacher's factor.</param>
    /// <param name="p1">Exponent of the activations.</param>
    /// <param name="p2">Exponent of the difference.</param>
    /// <param name="variant"><see cref="Code"/> or <see cref="Paper"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or the variant is unknown.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, double p1 = 2, double p2 = 1, string variant = Code)
    {
        FeatureShapes.RequireMaps("factor_transfer", student.shape, teacher.shape);
        var (own, target) = FeatureTensors.PoolToSmaller(student.Widen(), teacher.AsTarget(student));
        switch (variant)
        {
            case Code:
                var difference = FeatureTensors.SpatialMap(own, p1) - FeatureTensors.SpatialMap(target, p1);
                return (p2 == 1 ? difference.abs() : FeatureTensors.Power(difference, p2)).mean();
            case Paper:
                FeatureShapes.RequireChannels("factor_transfer", student.shape, teacher.shape);
                var whole = FeatureTensors.UnitLength(own.flatten(1), 1) - FeatureTensors.UnitLength(target.flatten(1), 1);
                return p2 == 1 ? whole.abs().mean() : whole.norm(1, keepdim: false, (float)p2).mean();
            default:
                throw new ArgumentException($"factor_transfer: unknown variant `{variant}`; known: {Code}, {Paper}");
        }
    }
}
