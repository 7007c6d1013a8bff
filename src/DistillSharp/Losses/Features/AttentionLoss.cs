using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Spatial attention transfer (Zagoruyko and Komodakis, ICLR 2017): where the activations of a map are large, whatever the
/// channels. The larger map is average-pooled to the smaller.
/// </summary>
public static class AttentionLoss
{
    /// <summary>Mean squared difference of normalised attention maps, as common code has it (the authors' too).</summary>
    public const string Code = "code";

    /// <summary>Length of the difference of normalised attention maps, averaged over the batch (eq. 2, p = 2, without β/2).</summary>
    public const string Paper = "paper";

    /// <summary>Scalar loss of two maps [N, C, H, W]; channels and sizes may differ.</summary>
    /// <param name="student">The student's map.</param>
    /// <param name="teacher">The teacher's map.</param>
    /// <param name="p">Exponent of the activations; <see cref="Paper"/> takes their magnitudes first.</param>
    /// <param name="variant"><see cref="Code"/> or <see cref="Paper"/>.</param>
    /// <exception cref="ArgumentException">Not two maps of one batch size, or an unknown variant.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, double p = 2, string variant = Code)
    {
        FeatureShapes.RequireMaps("attention", student.shape, teacher.shape);
        var (small, target) = FeatureTensors.PoolToSmaller(student.Widen(), teacher.AsTarget(student));
        return variant switch
        {
            Code => (FeatureTensors.SpatialMap(small, p) - FeatureTensors.SpatialMap(target, p)).square().mean(),
            Paper => (FeatureTensors.SpatialMap(small.abs(), p) - FeatureTensors.SpatialMap(target.abs(), p)).norm(1).mean(),
            _ => throw new ArgumentException($"attention: unknown variant `{variant}`; known: {Code}, {Paper}"),
        };
    }
}
