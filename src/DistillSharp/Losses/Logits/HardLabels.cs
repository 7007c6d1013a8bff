using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Cross-entropy with hard labels.</summary>
public static class HardLabels
{
    /// <summary>Target of a sample or position that has no label.</summary>
    public const long Unlabelled = -1;

    /// <summary>
    /// Sum of −log softmax at the label over labelled samples (or positions), counted by them.
    /// With smoothing ε the target is (1 − ε)·one-hot + ε/C (Szegedy et al., CVPR 2016, section 7).
    /// </summary>
    /// <param name="logits">[N, C] or [N, T, C].</param>
    /// <param name="targets">int64 [N] or [N, T]; <see cref="Unlabelled"/> is left out.</param>
    /// <param name="smoothing">ε in [0, 1).</param>
    public static LossTerm CrossEntropy(Tensor logits, Tensor targets, double smoothing = 0)
    {
        var classes = logits.shape[^1];
        var flat = LossPrecision.Widen(logits).reshape(-1, classes);
        var labels = targets.reshape(-1);
        if (flat.shape[0] != labels.shape[0])
        {
            throw new ArgumentException($"logits [{string.Join(", ", logits.shape)}] do not fit targets [{string.Join(", ", targets.shape)}]");
        }

        var count = labels.ge(0).sum().ToInt64();
        var sum = nn.functional.cross_entropy(flat, labels, ignore_index: Unlabelled, reduction: nn.Reduction.Sum, label_smoothing: smoothing);
        return new LossTerm(sum, count);
    }
}
