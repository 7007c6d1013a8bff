using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Divergences between the two distributions, one value a row, at any temperature and without its square.</summary>
public static class GeneralizedDivergence
{
    /// <summary>
    /// Generalized Jensen-Shannon divergence (Agarwal et al.: On-Policy Distillation of Language Models, ICLR 2024, equation 1):
    /// beta 0 is KL(teacher ‖ student), beta 1 is KL(student ‖ teacher), else beta·KL(teacher ‖ mix) + (1 − beta)·KL(student ‖ mix)
    /// with mix = beta·teacher + (1 − beta)·student.
    /// </summary>
    /// <param name="student">Logits [N, C] or [N, T, V].</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <param name="beta">0 to 1.</param>
    /// <param name="temperature">Above 0.</param>
    /// <returns>[rows].</returns>
    /// <exception cref="ArgumentException">Shapes differ, or a number is out of range.</exception>
    public static Tensor JensenShannon(Tensor student, Tensor teacher, double beta, double temperature)
    {
        var (q, p) = LogProbabilities(student, teacher, temperature);
        RequireShare(beta, "beta");
        if (beta == 0)
        {
            return LogitRows.Divergence(p, q);
        }

        if (beta == 1)
        {
            return LogitRows.Divergence(q, p);
        }

        var mix = LogMix(p, q, beta);
        return (LogitRows.Divergence(p, mix) * beta) + (LogitRows.Divergence(q, mix) * (1 - beta));
    }

    /// <summary>
    /// Skewed KL (Ko et al.: DistiLLM, ICML 2024, equations 2 and 3): KL(teacher ‖ alpha·teacher + (1 − alpha)·student), or reversed
    /// KL(student ‖ alpha·student + (1 − alpha)·teacher).
    /// </summary>
    /// <param name="student">Logits [N, C] or [N, T, V].</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <param name="alpha">Share of the first distribution in the mixture, 0 to below 1; 0 is plain KL.</param>
    /// <param name="reversed">True for the student's distribution first.</param>
    /// <param name="temperature">Above 0.</param>
    /// <returns>[rows].</returns>
    /// <exception cref="ArgumentException">Shapes differ, or a number is out of range.</exception>
    public static Tensor Skewed(Tensor student, Tensor teacher, double alpha, bool reversed, double temperature)
    {
        var (q, p) = LogProbabilities(student, teacher, temperature);
        RequireShare(alpha, "alpha");
        var (first, second) = reversed ? (q, p) : (p, q);
        return LogitRows.Divergence(first, alpha == 0 ? second : LogMix(first, second, alpha));
    }

    /// <summary>Total variation ½·Σ |teacher − student| of probabilities (Wen et al.: f-Divergence Minimization for Sequence-Level Knowledge Distillation, ACL 2023).</summary>
    /// <param name="student">Logits [N, C] or [N, T, V].</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <param name="temperature">Above 0.</param>
    /// <returns>[rows].</returns>
    /// <exception cref="ArgumentException">Shapes differ, or the temperature is not above 0.</exception>
    public static Tensor TotalVariation(Tensor student, Tensor teacher, double temperature)
    {
        var (q, p) = LogProbabilities(student, teacher, temperature);
        return (p.exp() - q.exp()).abs().sum(-1) * 0.5;
    }

    /// <summary>A value a row as a term counted by rows.</summary>
    public static LossTerm AsTerm(Tensor rows) => new(rows.sum(), rows.shape[0]);

    private static (Tensor Student, Tensor Teacher) LogProbabilities(Tensor student, Tensor teacher, double temperature)
    {
        LossChecks.Temperature(temperature);
        var (s, t) = LogitRows.Of(student, teacher);
        return (nn.functional.log_softmax(s / temperature, -1), nn.functional.log_softmax(t / temperature, -1));
    }

    // log(share·first + (1 − share)·second), from logarithms.
    private static Tensor LogMix(Tensor first, Tensor second, double share) =>
        share == 1 ? first : logaddexp(first + Math.Log(share), second + Math.Log(1 - share));

    private static void RequireShare(double value, string name)
    {
        if (!(value >= 0 && value <= 1))
        {
            throw new ArgumentException($"{name} must lie between 0 and 1");
        }
    }
}
