using static TorchSharp.torch;

namespace DistillSharp.Losses.Relations;

/// <summary>Contrastive representation distillation, CRD (Tian, Krishnan, Isola, ICLR 2020, equations 18 and 19).</summary>
public static class ContrastiveLoss
{
    private const double Epsilon = 1e-7;

    /// <summary>
    /// Noise-contrastive estimate, one value a sample: −log h(positive) − Σ log(1 − h(negative)) with h = score / (score + K/n).
    /// </summary>
    /// <param name="scores">exp(u·v/T)/Z, [N, 1 + K]: the positive first, then K negatives.</param>
    /// <param name="bankSize">n, the number of samples that negatives are drawn from.</param>
    /// <exception cref="ArgumentException">There is no negative.</exception>
    public static Tensor NoiseContrastive(Tensor scores, long bankSize)
    {
        if (scores.dim() != 2 || scores.shape[1] < 2)
        {
            throw new ArgumentException($"scores {LossChecks.Show(scores)} must be [samples, 1 + negatives] with at least one negative");
        }

        var negatives = scores.shape[1] - 1;
        var noise = negatives / (double)bankSize;
        var (positive, negative) = (scores.narrow(1, 0, 1), scores.narrow(1, 1, negatives));
        var accepted = (positive / (positive + (noise + Epsilon))).log().sum(1);
        var rejected = (noise / (negative + (noise + Epsilon))).log().sum(1);
        return -(accepted + rejected);
    }
}
