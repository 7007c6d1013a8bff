using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Activation boundaries (Heo et al., AAAI 2019): the student's neurons are to be on the side of zero where the teacher's are, by a
/// margin. Features are pre-activations (before the ReLU).
/// </summary>
public static class ActivationBoundaryLoss
{
    // The scale of common code, which makes the published weights fit.
    private const double Scale = 3.0 / 1000;

    /// <summary>
    /// Stage i of n weighs 2^(i − n + 1): the sum over elements of (s + m)² where s &gt; −m and t ≤ 0, and of (s − m)² where s ≤ m and
    /// t &gt; 0, over the batch, times 3/1000.
    /// </summary>
    /// <param name="student">The student's pre-activations in order.</param>
    /// <param name="teacher">The teacher's, of the same shapes.</param>
    /// <param name="margin">m.</param>
    /// <exception cref="ArgumentException">Counts or shapes differ.</exception>
    public static Tensor Compute(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, double margin = 1) =>
        FeatureTensors.SumOverStages("activation_boundary", student, teacher, (i, own, other) =>
            Stage(own, other, margin) * (Math.Pow(2, i - student.Count + 1) * Scale / own.shape[0]));

    private static Tensor Stage(Tensor student, Tensor teacher, double margin)
    {
        FeatureShapes.RequireEqual("activation_boundary", student.shape, teacher.shape);
        var (own, target) = (student.Widen(), teacher.AsTarget(student));
        var tooHigh = (own + margin).square() * own.gt(-margin).logical_and(target.le(0)).to_type(own.dtype);
        var tooLow = (own - margin).square() * own.le(margin).logical_and(target.gt(0)).to_type(own.dtype);
        return (tooHigh + tooLow).sum();
    }
}
