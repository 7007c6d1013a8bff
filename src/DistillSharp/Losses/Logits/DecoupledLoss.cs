using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Decoupled knowledge distillation, DKD (Zhao et al., CVPR 2022, equation 7).</summary>
public static class DecoupledLoss
{
    /// <summary>
    /// T²·(alpha·TCKD + beta·NCKD): KL of the label's probability against the rest, and KL among the other classes alone.
    /// </summary>
    /// <param name="student">Logits [N, C].</param>
    /// <param name="teacher">Logits [N, C].</param>
    /// <param name="labels">int64 [N]; −1 is left out.</param>
    /// <param name="alpha">Weight of the target-class part.</param>
    /// <param name="beta">Weight of the non-target part.</param>
    /// <param name="temperature">T of both softmaxes, above 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, Tensor labels, double alpha, double beta, double temperature)
    {
        LossChecks.Temperature(temperature);
        var (s, t, kept) = LogitRows.Labelled(student, teacher, labels);
        s = s / temperature;
        t = t / temperature;
        var (studentOthers, teacherOthers) = (LogitRows.Others(s, kept), LogitRows.Others(t, kept));
        var targetPart = LogitRows.Divergence(TargetAgainstRest(t, teacherOthers, kept), TargetAgainstRest(s, studentOthers, kept));
        var otherPart = LogitRows.Divergence(nn.functional.log_softmax(teacherOthers, 1), nn.functional.log_softmax(studentOthers, 1));
        return new LossTerm(((targetPart * alpha) + (otherPart * beta)).sum() * (temperature * temperature), s.shape[0]);
    }

    // log of [p(label), 1 − p(label)]: the rest is one class whose logit is the log-sum-exp of its members.
    private static Tensor TargetAgainstRest(Tensor rows, Tensor others, Tensor labels) =>
        nn.functional.log_softmax(cat([LogitRows.AtLabel(rows, labels), others.logsumexp(1, true)], 1), 1);
}
