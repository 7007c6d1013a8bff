using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Overhaul of feature distillation (Heo et al., ICCV 2019): partial L2 of pre-activations against the teacher's margin ReLU. Where
/// the teacher is negative, the student need only be as low.
/// </summary>
public static class OverhaulLoss
{
    /// <summary>Batch mean of the sum over elements of the partial L2 distance.</summary>
    /// <param name="student">The student's pre-activations [N, C, H, W].</param>
    /// <param name="teacher">The teacher's pre-activations of the same shape.</param>
    /// <param name="margin">Margins, negative: one per channel as [1, C, 1, 1] or [C], or one number for all.</param>
    /// <exception cref="ArgumentException">Shapes differ, or the margins are not one per channel.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, Tensor margin)
    {
        FeatureShapes.RequireEqualMaps("overhaul", student.shape, teacher.shape);
        if (margin.numel() != 1 && margin.numel() != student.shape[1])
        {
            throw new ArgumentException($"overhaul: a margin {FeatureShapes.Text(margin.shape)} for {student.shape[1]} channels; there must be one per channel");
        }

        var (own, target) = (student.Widen(), teacher.AsTarget(student));
        var floor = margin.detach().to_type(own.dtype).view(1, -1, 1, 1);
        var square = (own - target).square();
        var below = own.gt(floor).logical_and(target.le(floor)).to_type(own.dtype) * (own - floor).square();
        var between = own.gt(target).logical_and(target.gt(floor)).logical_and(target.le(0)).to_type(own.dtype) * square;
        var above = target.gt(0).to_type(own.dtype) * square;
        return (below + between + above).sum() / own.shape[0];
    }
}
