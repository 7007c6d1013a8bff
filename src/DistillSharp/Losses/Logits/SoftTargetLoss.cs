using static TorchSharp.torch;

namespace DistillSharp.Losses.Logits;

/// <summary>Soft targets (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, section 2).</summary>
public static class SoftTargetLoss
{
    /// <summary>
    /// T²·KL(softmax(teacher/T) ‖ softmax(student/T)), summed over classes and samples; T² keeps the gradient's size when T changes.
    /// </summary>
    /// <param name="student">Logits [N, C].</param>
    /// <param name="teacher">Logits [N, C].</param>
    /// <param name="temperature">T, above 0.</param>
    /// <exception cref="ArgumentException">Shapes differ, or T is not above 0.</exception>
    public static LossTerm Compute(Tensor student, Tensor teacher, double temperature)
    {
        if (!(temperature > 0))
        {
            throw new ArgumentException($"temperature must be above 0, not {temperature}");
        }

        if (!student.shape.SequenceEqual(teacher.shape))
        {
            throw new ArgumentException($"student logits [{string.Join(", ", student.shape)}] and teacher logits [{string.Join(", ", teacher.shape)}] must have one shape");
        }

        var studentLog = nn.functional.log_softmax(LossPrecision.Widen(student) / temperature, -1);
        var teacherLog = nn.functional.log_softmax(LossPrecision.Widen(teacher) / temperature, -1);
        var sum = nn.functional.kl_div(studentLog, teacherLog, log_target: true, reduction: nn.Reduction.Sum);
        return new LossTerm(sum * (temperature * temperature), student.numel() / (double)student.shape[^1]);
    }
}
