using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Variational information distillation (Ahn et al., CVPR 2019): the teacher's feature under a normal distribution that the student predicts.</summary>
public static class VariationalInformationLoss
{
    /// <summary>½·((t − μ)²/σ² + log σ²), mean over all elements: the negative log-likelihood without its constant.</summary>
    /// <param name="mean">μ [N, C, H, W], from the student's map.</param>
    /// <param name="teacher">The teacher's map t of that shape.</param>
    /// <param name="variance">σ² [C], one per channel, above 0, with gradient.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the variances are not one per channel.</exception>
    public static Tensor Compute(Tensor mean, Tensor teacher, Tensor variance)
    {
        FeatureShapes.RequireEqualMaps("vid", mean.shape, teacher.shape);
        if (variance.dim() != 1 || variance.shape[0] != mean.shape[1])
        {
            throw new ArgumentException($"vid: variances {FeatureShapes.Text(variance.shape)} for {mean.shape[1]} channels; there must be one per channel");
        }

        var spread = variance.Widen().view(1, -1, 1, 1);
        return (((teacher.AsTarget(mean) - mean.Widen()).square() / spread) + spread.log()).mean() / 2;
    }
}
