using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Normalized knowledge distillation, NKD (Yang et al., ICCV 2023, equation 6).</summary>
public static class NormalizedLoss
{
    /// <summary>
    /// −p(label)·log q(label) at temperature 1, minus gamma·T²·Σ p̂·log q̂ over the other classes, each side normalised among them
    /// at temperature T; p the teacher, q the student.
    /// </summary>
    /// <param name="student">Logits [N, C].</param>
    /// <param name="teacher">Logits [N, C].</param>
    /// <param name="labels">int64 [N]; −1 is left out.</param>
    /// <param name="gamma">Weight of the non-target part.</param>
    /// <param name="temperature">T of the non-target part, above 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, Tensor labels, double gamma, double temperature)
    {
        LossChecks.Temperature(temperature);
        var (s, t, kept) = LogitRows.Labelled(student, teacher, labels);
        var target = LogitRows.AtLabel(nn.functional.softmax(t, 1), kept) * LogitRows.AtLabel(nn.functional.log_softmax(s, 1), kept);
        var others = nn.functional.softmax(LogitRows.Others(t, kept) / temperature, 1)
            * nn.functional.log_softmax(LogitRows.Others(s, kept) / temperature, 1);
        return new LossTerm(-(target.sum() + (others.sum() * (gamma * temperature * temperature))), s.shape[0]);
    }
}
