using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Hint regression: mean squared difference over all elements (Romero et al., FitNets, ICLR 2015, eq. 3, without its ½ and as a
/// mean instead of a norm).
/// </summary>
public static class FitnetLoss
{
    /// <summary>Scalar loss of two features of one shape, [N, C, H, W], [N, T, D] or [N, D].</summary>
    /// <param name="student">The student's feature.</param>
    /// <param name="teacher">The teacher's feature.</param>
    /// <param name="mask">1 at valid positions [N, T] of features [N, T, D]; null where all are valid.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, Tensor? mask = null)
    {
        FeatureShapes.RequireEqual("fitnet", student.shape, teacher.shape);
        var difference = (student.Widen() - teacher.AsTarget(student)).square();
        if (mask is null)
        {
            return difference.mean();
        }

        if (student.dim() != 3 || !mask.shape.SequenceEqual(student.shape.AsSpan(0, 2).ToArray()))
        {
            throw new ArgumentException($"fitnet: a mask {FeatureShapes.Text(mask.shape)} of features {FeatureShapes.Text(student.shape)}; features with a mask are [N, T, D] and the mask [N, T]");
        }

        // Selected, not multiplied: what padding holds may be anything, even NaN.
        var valid = mask.ne(0);
        var perPosition = difference.mean([2]);
        return where(valid, perPosition, zeros_like(perPosition)).sum() / valid.sum().clamp_min(1);
    }
}
