using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Logit standardization (Sun et al., CVPR 2024, equation 9 and algorithm 1).</summary>
public static class StandardizedLogits
{
    // Added to the standard deviation, as the paper's code does.
    private const double Epsilon = 1e-7;

    /// <summary>(z − mean) / (sd + 1e-7) over the last axis, with the unbiased standard deviation.</summary>
    /// <param name="logits">[..., C] with C ≥ 2.</param>
    /// <exception cref="ArgumentException">There are fewer than two classes.</exception>
    public static Tensor Of(Tensor logits)
    {
        if (logits.shape[^1] < 2)
        {
            throw new ArgumentException($"logits {LossChecks.Show(logits)} cannot be standardized: at least 2 classes are needed");
        }

        var wide = LossPrecision.Widen(logits);
        var centred = wide - wide.mean([-1], true);
        // The floor keeps the gradient of the root finite where all logits of a row are equal.
        var deviation = (centred.square().sum(-1, true) / (logits.shape[^1] - 1)).clamp_min(1e-30).sqrt();
        return centred / (deviation + Epsilon);
    }
}
