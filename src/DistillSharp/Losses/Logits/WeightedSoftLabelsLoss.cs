using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Weighted soft labels, WSLD (Zhou et al.: Rethinking Soft Labels for Knowledge Distillation, ICLR 2021, section 4).</summary>
public static class WeightedSoftLabelsLoss
{
    /// <summary>
    /// T²·w·cross-entropy(softmax(teacher/T), softmax(student/T)) with w = 1 − exp(−CE(student) / CE(teacher)) of each sample,
    /// taken with its hard label at temperature 1 and treated as a constant.
    /// </summary>
    /// <param name="student">Logits [N, C].</param>
    /// <param name="teacher">Logits [N, C].</param>
    /// <param name="labels">int64 [N]; −1 is left out.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, Tensor labels, double temperature)
    {
        LossChecks.Temperature(temperature);
        var (s, t, kept) = LogitRows.Labelled(student, teacher, labels);
        var soft = -(nn.functional.softmax(t / temperature, 1) * nn.functional.log_softmax(s / temperature, 1)).sum(1);
        var ratio = HardLoss(s.detach(), kept) / (HardLoss(t.detach(), kept) + 1e-7);
        var weight = 1 - (-ratio).exp();
        return new LossTerm((weight * soft).sum() * (temperature * temperature), s.shape[0]);
    }

    private static Tensor HardLoss(Tensor rows, Tensor labels) => -LogitRows.AtLabel(nn.functional.log_softmax(rows, 1), labels).squeeze(1);
}
