using static TorchSharp.torch;

namespace DistillSharp.Losses.Relations;

/// <summary>Correlation congruence, CC (Peng et al., ICCV 2019). The paper and the code that circulates compute different things.</summary>
public static class CorrelationCongruenceLoss
{
    /// <summary>
    /// The common code: mean over neighbours in the batch of Σ |Δᵢ|·|Δᵢ₊₁| over dimensions, Δ = student − teacher.
    /// </summary>
    /// <param name="student">Embeddings [N, D].</param>
    /// <param name="teacher">Embeddings [N, D].</param>
    /// <exception cref="ArgumentException">Shapes differ, or the batch holds one sample.</exception>
    public static LossTerm Neighbours(Tensor student, Tensor teacher)
    {
        LossChecks.SameShape(student, teacher, "embeddings");
        LossChecks.AtLeastTwo(student, "correlation_congruence");
        var delta = (LossPrecision.Widen(student).flatten(1) - LossPrecision.Widen(teacher).flatten(1)).abs();
        var samples = delta.shape[0];
        var products = delta.narrow(0, 0, samples - 1) * delta.narrow(0, 1, samples - 1);
        return LossTerm.FromMean(products.sum(1).mean(), samples);
    }

    /// <summary>
    /// The paper (equations 6 and 10): ‖K(student) − K(teacher)‖² / N² with K the Gaussian kernel of L2-normalised embeddings,
    /// expanded to a Taylor sum: K(x, y) = Σₚ exp(−2γ)·(2γ)ᵖ/p!·(x·y)ᵖ for p = 0 … order.
    /// </summary>
    /// <param name="student">Embeddings [N, …].</param>
    /// <param name="teacher">Embeddings [N, …]; widths may differ.</param>
    /// <param name="gamma">γ, above 0; the paper takes 0.4.</param>
    /// <param name="order">Order of the expansion, at least 1; the paper takes 2.</param>
    /// <exception cref="ArgumentException">Batches differ or hold one sample.</exception>
    public static LossTerm Kernel(Tensor student, Tensor teacher, double gamma, int order)
    {
        LossChecks.SameBatch(student, teacher, "embeddings");
        LossChecks.AtLeastTwo(student, "correlation_congruence");
        var difference = KernelOf(student, gamma, order) - KernelOf(teacher, gamma, order);
        return LossTerm.FromMean(difference.square().mean(), student.shape[0]);
    }

    private static Tensor KernelOf(Tensor embeddings, double gamma, int order)
    {
        var rows = LossPrecision.Widen(embeddings).flatten(1);
        var directions = rows / rows.square().sum(1, true).clamp_min(1e-24).sqrt();
        var cosines = directions.mm(directions.t());
        var factor = Math.Exp(-2 * gamma);
        var kernel = full_like(cosines.detach(), factor);
        var power = ones_like(cosines.detach());
        for (var p = 1; p <= order; p++)
        {
            factor *= 2 * gamma / p;
            power *= cosines;
            kernel += power * factor;
        }

        return kernel;
    }
}
