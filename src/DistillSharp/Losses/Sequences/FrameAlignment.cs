using static TorchSharp.torch;

namespace DistillSharp.Losses.Sequences;

/// <summary>
/// Brings two CTC outputs of the same sound to one number of frames: the finer one gives, class by class, the largest log-probability of
/// the frames that fall on one of the other's. Hidden states are averaged instead.
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

    /// <summary>Hidden states of one number of frames: the finer side gives the mean of its valid frames that fall on one of the other's.</summary>
    /// <param name="student">States [N, T, D].</param>
    /// <param name="teacher">States [N, T′, D′].</param>
    /// <param name="studentMask">1 at the student's valid frames; null where all are.</param>
    /// <param name="teacherMask">1 at the teacher's valid frames; null where all are.</param>
    /// <returns>Both, and the valid frames of the coarser side, null where all are.</returns>
    /// <exception cref="ArgumentException">Neither number of frames is about a whole multiple of the other.</exception>
    public static (Tensor Student, Tensor Teacher, Tensor? Mask) Average(Tensor student, Tensor teacher, Tensor? studentMask, Tensor? teacherMask) =>
        student.shape[1] == teacher.shape[1] ? (student, teacher, studentMask)
        : student.shape[1] < teacher.shape[1] ? (student, Mean(teacher, teacherMask, student.shape[1]), studentMask)
        : (Mean(student, studentMask, teacher.shape[1]), teacher, teacherMask);

    private static Tensor Mean(Tensor states, Tensor? mask, long frames)
    {
        var valid = (mask ?? ones_like(states.select(2, 0))).to(states.dtype).unsqueeze(-1);
        // Padding may hold anything; 0 times that need not be 0.
        var (sums, counts) = (Grouped(states.masked_fill(valid.eq(0), 0), frames, 0).sum(2), Grouped(valid, frames, 0).sum(2));
        return sums / counts.clamp_min(1);
    }

    private static Tensor Coarser(Tensor logits, Tensor mask, long frames) =>
        Grouped(nn.functional.log_softmax(logits, -1).masked_fill(mask.eq(0).unsqueeze(-1), Never), frames, Never).amax([2]);

    // [N, T, D] as [N, frames, ratio, D].
    private static Tensor Grouped(Tensor values, long frames, double fill)
    {
        var ratio = (long)Math.Round((double)values.shape[1] / frames);
        var missing = (frames * ratio) - values.shape[1];
        if (ratio < 2 || Math.Abs(missing) >= ratio + 1)
        {
            throw new ArgumentException($"{values.shape[1]} and {frames} frames are no multiple of each other; choose subsampling of teacher and student so that one divides the other");
        }

        values = missing > 0
            ? cat([values, full([values.shape[0], missing, values.shape[2]], fill, values.dtype, values.device)], 1)
            : values.narrow(1, 0, frames * ratio);
        return values.reshape(values.shape[0], frames, ratio, values.shape[2]);
    }
}
