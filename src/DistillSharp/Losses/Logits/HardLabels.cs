using DistillSharp.Data;
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
        var sum = WideRows.Fit(flat)
            ? WideRows.CrossEntropy(flat, labels, smoothing)
            : nn.functional.cross_entropy(flat, labels, ignore_index: Unlabelled, reduction: nn.Reduction.Sum, label_smoothing: smoothing);
        return new LossTerm(sum, count);
    }

    /// <summary>
    /// The same for a batch whose samples may be mixed: λ·CE(own label) + (1 − λ)·CE(other's label), counted by the shares whose label is known
    /// (Zhang et al., mixup, ICLR 2018, appendix; Yun et al., CutMix, ICCV 2019).
    /// </summary>
    /// <param name="logits">[N, C] or [N, T, C].</param>
    /// <param name="batch">A batch with targets.</param>
    /// <param name="smoothing">ε in [0, 1).</param>
    /// <exception cref="ArgumentException">The batch has no targets.</exception>
    public static LossTerm CrossEntropy(Tensor logits, Batch batch, double smoothing = 0)
    {
        var targets = batch.Targets ?? throw new ArgumentException("the batch has no hard labels");
        if (batch.Mix is not { } mix)
        {
            return CrossEntropy(logits, targets, smoothing);
        }

        var wide = LossPrecision.Widen(logits);
        var (own, other) = (Each(targets), Each(mix.Targets));
        return new LossTerm(((mix.Shares * own) + ((1 - mix.Shares) * other)).sum(), CountOf(batch));

        Tensor Each(Tensor labels) => nn.functional.cross_entropy(wide, labels, ignore_index: Unlabelled, reduction: nn.Reduction.None, label_smoothing: smoothing);
    }

    /// <summary>The samples (or positions) of a batch that have a hard label, mixed ones by their shares; all of them where there are no targets.</summary>
    public static double CountOf(Batch batch)
    {
        if (batch.Targets is null)
        {
            return batch.Count;
        }

        using var scope = NewDisposeScope();
        var own = batch.Targets.ge(0);
        return batch.Mix is { } mix
            ? ((mix.Shares * own) + ((1 - mix.Shares) * mix.Targets.ge(0))).sum().ToDouble()
            : own.sum().ToInt64();
    }
}
