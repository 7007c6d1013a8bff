using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Hierarchical context loss of knowledge review (Chen et al., Distilling Knowledge via Knowledge Review, CVPR 2021, section 3.3): maps
/// are compared as they are and averaged to coarser grids.
/// </summary>
public static class HierarchicalContextLoss
{
    /// <summary>
    /// Mean squared difference (weight 1) and that of maps pooled to 4 × 4, 2 × 2 and 1 × 1, of which only sizes below the map's own height
    /// count, weighted ½, ¼, ⅛ in the order used; divided by the sum of the weights.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher)
    {
        FeatureShapes.RequireEqualMaps("review", student.shape, teacher.shape);
        var (own, target) = (student.Widen(), teacher.AsTarget(student));
        var (sum, weight, weights) = ((own - target).square().mean(), 1.0, 1.0);
        foreach (var size in new[] { 4, 2, 1 }.Where(size => size < own.shape[2]))
        {
            weight /= 2;
            weights += weight;
            // The mean over windows is linear, so the pooled difference is the difference of pooled maps.
            sum += FeatureTensors.PoolTo(own - target, size, size).square().mean() * weight;
        }

        return sum / weights;
    }
}
