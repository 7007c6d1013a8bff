using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>
/// Neuron selectivity transfer (Huang and Wang, Like What You Like, 2017): maximum mean discrepancy between the channels of two
/// maps, each a unit vector over positions, with the kernel (xᵀy)². The larger map is average-pooled to the smaller.
/// </summary>
public static class NeuronSelectivityLoss
{
    /// <summary>MMD² with the polynomial kernel d = 2, c = 0 of two maps [N, C, H, W], mean over the batch; channels may differ.</summary>
    /// <exception cref="ArgumentException">Not two maps of one batch size.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher)
    {
        FeatureShapes.RequireMaps("nst", student.shape, teacher.shape);
        var (small, target) = FeatureTensors.PoolToSmaller(student.Widen(), teacher.AsTarget(student));
        var (own, other) = (FeatureTensors.UnitLength(small.flatten(2), 2), FeatureTensors.UnitLength(target.flatten(2), 2));
        return Kernel(other, other) + Kernel(own, own) - (2 * Kernel(own, other));
    }

    private static Tensor Kernel(Tensor left, Tensor right) => left.bmm(right.transpose(1, 2)).square().mean();
}
