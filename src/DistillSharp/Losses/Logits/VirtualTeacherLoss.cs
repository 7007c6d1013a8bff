using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>A designed teacher in place of a trained one, Tf-KD_reg (Yuan et al.: Revisiting Knowledge Distillation via Label Smoothing Regularization, CVPR 2020, section 4.2).</summary>
public static class VirtualTeacherLoss
{
    /// <summary>
    /// KL(softmax(d/T) ‖ student), where d gives <paramref name="correctProbability"/> to the label and shares the rest equally.
    /// </summary>
    /// <param name="student">Logits [N, C].</param>
    /// <param name="labels">int64 [N]; −1 is left out.</param>
    /// <param name="correctProbability">Probability of the label before softening, above 1/C.</param>
    /// <param name="temperature">T of the designed distribution, above 0.</param>
    /// <param name="softenStudent">True to soften the student as well, as the paper's equation 9 does; its code keeps it at temperature 1.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor labels, double correctProbability, double temperature, bool softenStudent)
    {
        LossChecks.Temperature(temperature);
        var (s, _, kept) = LogitRows.Labelled(student, student, labels);
        var classes = s.shape[1];
        var designed = full_like(s.detach(), (1 - correctProbability) / Math.Max(1, classes - 1))
            .scatter_(1, kept.unsqueeze(1), full([s.shape[0], 1], correctProbability, s.dtype, s.device));
        var target = nn.functional.log_softmax(designed / temperature, 1);
        var rows = LogitRows.Divergence(target, nn.functional.log_softmax(softenStudent ? s / temperature : s, 1));
        return new LossTerm(rows.sum(), s.shape[0]);
    }
}
