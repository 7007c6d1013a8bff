using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Multi-level logit distillation, MLLD (Jin, Wang, Lin: Multi-Level Logit Distillation, CVPR 2023, equations 4 to 9).</summary>
public static class MultiLevelLoss
{
    /// <summary>
    /// Summed over temperatures: instance·T²·KL(teacher ‖ student) averaged over samples, batch·‖PPᵀ − QQᵀ‖²/N and class·‖PᵀP − QᵀQ‖²/C
    /// of softened probabilities P (teacher) and Q (student).
    /// </summary>
    /// <param name="student">Logits [N, C].</param>
    /// <param name="teacher">Logits [N, C].</param>
    /// <param name="temperatures">Temperatures, all above 0.</param>
    /// <param name="instanceWeight">Weight of the instance level.</param>
    /// <param name="batchWeight">Weight of the batch level.</param>
    /// <param name="classWeight">Weight of the class level.</param>
    /// <exception cref="ArgumentException">Shapes differ, or there is no temperature or one not above 0.</exception>
    public static LossTerm Compute(
        Tensor student, Tensor teacher, IReadOnlyList<double> temperatures, double instanceWeight, double batchWeight, double classWeight)
    {
        if (temperatures.Count == 0)
        {
            throw new ArgumentException("at least one temperature is needed");
        }

        var (s, t) = LogitRows.Of(student, teacher);
        var (samples, classes) = (s.shape[0], s.shape[1]);
        Tensor? total = null;
        foreach (var temperature in temperatures)
        {
            LossChecks.Temperature(temperature);
            var (logQ, logP) = (nn.functional.log_softmax(s / temperature, 1), nn.functional.log_softmax(t / temperature, 1));
            var (q, p) = (logQ.exp(), logP.exp());
            var instance = LogitRows.Divergence(logP, logQ).mean() * (instanceWeight * temperature * temperature);
            var batch = (p.mm(p.t()) - q.mm(q.t())).square().sum() * (batchWeight / samples);
            var classwise = (p.t().mm(p) - q.t().mm(q)).square().sum() * (classWeight / classes);
            var level = instance + batch + classwise;
            total = total is null ? level : total + level;
        }

        return LossTerm.FromMean(total!, samples);
    }
}
