using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Flow of the solution procedure (Yim et al., A Gift from Knowledge Distillation, CVPR 2017): how each stage's channels relate
/// to those of the next. The larger map of two neighbours is average-pooled to the smaller (the paper pools by maximum).
/// </summary>
public static class FlowLoss
{
    /// <summary>
    /// Mean squared difference of the matrices [C₁, C₂] (eq. 1: channel products averaged over positions) of each pair of neighbouring
    /// stages, summed over the pairs. Channels must agree, sizes need not.
    /// </summary>
    /// <param name="student">The student's maps in order, two at least.</param>
    /// <param name="teacher">The teacher's maps, paired with them.</param>
    /// <exception cref="ArgumentException">Fewer than two stages, or channels or batches differ.</exception>
    public static Tensor Compute(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher)
    {
        FeatureShapes.RequireStages("fsp", student.Count, teacher.Count, 2);
        foreach (var (own, other) in student.Zip(teacher))
        {
            FeatureShapes.RequireChannels("fsp", own.shape, other.shape);
        }

        var (ours, theirs) = (student.Select(map => map.Widen()).ToList(), student.Zip(teacher, (own, other) => other.AsTarget(own)).ToList());
        return Enumerable.Range(0, student.Count - 1)
            .Select(i => (Flow(ours[i], ours[i + 1]) - Flow(theirs[i], theirs[i + 1])).square().mean())
            .Aggregate((sum, next) => sum + next);
    }

    private static Tensor Flow(Tensor first, Tensor second)
    {
        FeatureShapes.Require(first.shape[0] == second.shape[0] && first.dtype == second.dtype, "fsp", first.shape, second.shape, "the stages of one network must have one batch size and type");
        var (early, late) = FeatureTensors.PoolToSmaller(first, second);
        var positions = early.shape[2] * early.shape[3];
        return early.flatten(2).bmm(late.flatten(2).transpose(1, 2)) / positions;
    }
}
