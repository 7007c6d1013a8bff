using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>
/// Soft targets (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, section 2) and what they become
/// where outputs are no classes. T² keeps the gradient's size when T changes.
/// </summary>
public static class SoftTargetLoss
{
    /// <summary>T²·KL(softmax(teacher/T) ‖ softmax(student/T)), summed over classes and samples.</summary>
    /// <param name="student">Logits [N, C] or [N, T, V], classes last.</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <exception cref="ArgumentException">Shapes differ, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, double temperature)
    {
        LossChecks.Temperature(temperature);
        LossChecks.SameShape(student, teacher);
        var studentLog = nn.functional.log_softmax(LossPrecision.Widen(student) / temperature, -1);
        var teacherLog = nn.functional.log_softmax(LossPrecision.Widen(teacher) / temperature, -1);
        var sum = nn.functional.kl_div(studentLog, teacherLog, log_target: true, reduction: nn.Reduction.Sum);
        return new LossTerm(sum * (temperature * temperature), student.numel() / (double)student.shape[^1]);
    }

    /// <summary>
    /// Binary and multi-label outputs: T²·Σ KL(Bernoulli(σ(teacher/T)) ‖ Bernoulli(σ(student/T))) over outputs and samples.
    /// </summary>
    /// <param name="student">Logits [N, outputs], or [N] for one output.</param>
    /// <param name="teacher">Logits of the same shape.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <exception cref="ArgumentException">Shapes differ, or T is not above 0.</exception>
    public static LossTerm Sigmoid(Tensor student, Tensor teacher, double temperature)
    {
        LossChecks.Temperature(temperature);
        LossChecks.SameShape(student, teacher, minAxes: 1);
        var (s, t) = (LossPrecision.Widen(student) / temperature, LossPrecision.Widen(teacher) / temperature);
        var on = t.sigmoid() * (nn.functional.logsigmoid(t) - nn.functional.logsigmoid(s));
        var off = (-t).sigmoid() * (nn.functional.logsigmoid(-t) - nn.functional.logsigmoid(-s));
        return new LossTerm((on + off).sum() * (temperature * temperature), Samples(student));
    }

    /// <summary>
    /// Regression outputs: Σ (student − teacher)² over outputs and samples. A temperature would cancel: the T² factor undoes what
    /// dividing both sides by T does.
    /// </summary>
    /// <param name="student">Predictions [N, outputs], or [N] for one output.</param>
    /// <param name="teacher">Predictions of the same shape.</param>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static LossTerm Regression(Tensor student, Tensor teacher)
    {
        LossChecks.SameShape(student, teacher, "predictions", 1);
        return new LossTerm((LossPrecision.Widen(student) - LossPrecision.Widen(teacher)).square().sum(), Samples(student));
    }

    private static double Samples(Tensor student) => student.dim() == 1 ? student.numel() : student.numel() / (double)student.shape[^1];
}
