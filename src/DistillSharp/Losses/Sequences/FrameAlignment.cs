using static TorchSharp.torch;

namespace DistillSharp.Losses.Sequences;

/// <summary>
/// Brings two CTC outputs of the same sound to one number of frames: the finer one gives, class by class, the largest log-probability of
/// the frames that fall on one of the other's.
/// </summary>
public static class FrameAlignment
{
    private const double Never = -1e4;

    /// <summary>Both sides as logits of one shape, and the valid frames (those of the coarser side).</summary>
    /// <param name="student">Logits [N, T, V].</param>
    /// <param name="teacher">Logits [N, T′, V].</param>
    /// <param name="studentMask">1 at the student's valid frames; null where all are.</param>
    /// <param name="teacherMask">1 at the teacher's valid frames; null where all are.</param>
    /// <exception cref="ArgumentException">They are no CTC outputs of the same utterances and classes, or neither rate is about a whole multiple of the other.</exception>
    public static (Tensor Student, Tensor Teacher, Tensor Mask) Match(Tensor student, Tensor teacher, Tensor? studentMask, Tensor? teacherMask)
    {
        if (student.dim() != 3 || teacher.dim() != 3 || student.shape[0] != teacher.shape[0] || student.shape[2] != teacher.shape[2])
        {
            throw new ArgumentException($"student logits {LossChecks.Show(student)} and teacher logits {LossChecks.Show(teacher)} must be [N, T, V] of the same utterances and classes");
        }

        var (s, t) = (LossPrecision.Widen(student), LossPrecision.Widen(teacher));
        var (own, other) = (studentMask ?? ones_like(s.select(2, 0)), teacherMask ?? ones_like(t.select(2, 0)));
        if (s.shape[1] == t.shape[1])
        {
            return (s, t, own.to(s.dtype));
        }

        return s.shape[1] < t.shape[1]
            ? (s, Coarser(t, other, s.shape[1]), own.to(s.dtype))
            : (Coarser(s, own, t.shape[1]), t, other.to(s.dtype));
    }

    private static Tensor Coarser(Tensor logits, Tensor mask, long frames)
    {
        var ratio = (long)Math.Round((double)logits.shape[1] / frames);
        var missing = (frames * ratio) - logits.shape[1];
        if (ratio < 2 || Math.Abs(missing) >= ratio + 1)
        {
            throw new ArgumentException($"{logits.shape[1]} and {frames} frames are no multiple of each other; choose subsampling of teacher and student so that one divides the other");
        }

        var log = nn.functional.log_softmax(logits, -1).masked_fill(mask.eq(0).unsqueeze(-1), Never);
        log = missing > 0
            ? cat([log, full([log.shape[0], missing, log.shape[2]], Never, log.dtype, log.device)], 1)
            : log.narrow(1, 0, frames * ratio);
        return log.reshape(log.shape[0], frames, ratio, log.shape[2]).amax([2]);
    }
}
