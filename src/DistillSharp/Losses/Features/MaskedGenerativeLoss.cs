using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Masked generative distillation (Yang et al., ECCV 2022): the teacher's map, generated from a part of the student's.</summary>
public static class MaskedGenerativeLoss
{
    /// <summary>Sum of squared differences per sample, mean over the batch.</summary>
    /// <param name="generated">What was generated from the masked student map, [N, C, H, W].</param>
    /// <param name="teacher">The teacher's map of that shape.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Compute(Tensor generated, Tensor teacher)
    {
        FeatureShapes.RequireEqualMaps("masked_generative", generated.shape, teacher.shape);
        return (generated.Widen() - teacher.AsTarget(generated)).square().sum() / generated.shape[0];
    }
}
