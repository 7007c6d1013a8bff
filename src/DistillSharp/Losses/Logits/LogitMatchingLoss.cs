using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Logit matching (Ba, Caruana: Do Deep Nets Really Need to be Deep?, NeurIPS 2014, equation 1), as a mean over elements.</summary>
public static class LogitMatchingLoss
{
    /// <summary>Mean over classes of (student − teacher)², averaged over rows.</summary>
    /// <param name="student">Logits [N, C] or [N, T, V].</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher)
    {
        var (s, t) = LogitRows.Of(student, teacher);
        return new LossTerm((s - t).square().mean([-1]).sum(), s.shape[0]);
    }
}
