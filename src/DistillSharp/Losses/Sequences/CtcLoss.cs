using static TorchSharp.torch;

namespace DistillSharp.Losses.Sequences;

/// <summary>Which frames a loss between two CTC outputs looks at.</summary>
public enum FrameSelection
{
    /// <summary>Every valid frame.</summary>
    All,

    /// <summary>Frames where the teacher's likeliest class is not blank, and so many neighbours on either side.</summary>
    NonBlank,

    /// <summary>The same frames, with blank ones weighing together as much as the others, half of it on either side.</summary>
    Symmetric,
}

/// <summary>
/// Losses of connectionist temporal classification (Graves et al., ICML 2006). Class 0 is blank. Losses of frames are means over an
/// utterance's frames, summed over the utterances, so that their count is known before anything is computed.
/// </summary>
public static class CtcLoss
{
    /// <summary>Blank.</summary>
    public const int Blank = 0;

    /// <summary>−ln p(labels) summed over alignments and over utterances with labels, counted by labels.</summary>
    /// <param name="logits">[N, T, V].</param>
    /// <param name="mask">1 at valid frames [N, T], which come first; null where all are.</param>
    /// <param name="targets">Labels [N, L] from 1 on, −1 behind the last; utterances without labels are left out, those with more than their frames allow add 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static LossTerm Labels(Tensor logits, Tensor? mask, Tensor targets)
    {
        var (losses, lengths) = Each(logits, mask, targets);
        return new LossTerm(losses.sum(), lengths.sum().item<long>());
    }

    /// <summary>The same a label, averaged within each utterance and summed over them; utterances without labels add 0 and are counted.</summary>
    /// <param name="logits">[N, T, V].</param>
    /// <param name="mask">1 at valid frames [N, T]; null where all are.</param>
    /// <param name="targets">Labels [N, L] from 1 on, −1 behind the last.</param>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static LossTerm LabelsByUtterance(Tensor logits, Tensor? mask, Tensor targets)
    {
        var (losses, lengths) = Each(logits, mask, targets);
        return new LossTerm((losses / lengths.clamp_min(1)).sum(), logits.shape[0]);
    }

    /// <summary>T²·KL(teacher ‖ student) of the selected frames.</summary>
    /// <param name="student">Logits [N, T, V].</param>
    /// <param name="teacher">Logits [N, T′, V]; where the numbers of frames differ, the finer side gives the maximum over frames.</param>
    /// <param name="studentMask">1 at the student's valid frames; null where all are.</param>
    /// <param name="teacherMask">1 at the teacher's valid frames; null where all are.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <param name="selection">Which frames.</param>
    /// <param name="neighbours">Frames on either side of a teacher's non-blank one.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or T is not above 0.</exception>
    public static LossTerm Frames(Tensor student, Tensor teacher, Tensor? studentMask, Tensor? teacherMask, double temperature, FrameSelection selection, int neighbours)
    {
        LossChecks.Temperature(temperature);
        var (s, t, mask) = FrameAlignment.Match(student, teacher, studentMask, teacherMask);
        var (logStudent, logTeacher) = (nn.functional.log_softmax(s / temperature, -1), nn.functional.log_softmax(t / temperature, -1));
        // Filled, not multiplied: padding may hold anything.
        var divergence = (logTeacher.exp() * (logTeacher - logStudent)).sum(-1).masked_fill(mask.eq(0), 0);
        return new LossTerm(MeanOverFrames(divergence, Weights(t, mask, selection, neighbours)).sum() * (temperature * temperature), student.shape[0]);
    }

    /// <summary>
    /// −Σ p(student says what the teacher says) over the frames where the teacher's likeliest class is not blank, a mean over them
    /// (Kurata and Audhkhasi: Guiding CTC Posterior Spike Timings, Interspeech 2019, equation 4, divided by the number of spikes).
    /// </summary>
    /// <param name="student">Logits [N, T, V].</param>
    /// <param name="teacher">Logits [N, T′, V].</param>
    /// <param name="studentMask">1 at the student's valid frames; null where all are.</param>
    /// <param name="teacherMask">1 at the teacher's valid frames; null where all are.</param>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static LossTerm Guided(Tensor student, Tensor teacher, Tensor? studentMask, Tensor? teacherMask)
    {
        var (s, t, mask) = FrameAlignment.Match(student, teacher, studentMask, teacherMask);
        var spikes = t.argmax(-1);
        var said = nn.functional.softmax(s, -1).gather(-1, spikes.unsqueeze(-1)).squeeze(-1).masked_fill(mask.eq(0), 0);
        return new LossTerm(-MeanOverFrames(said, spikes.ne(Blank).to(mask.dtype) * mask).sum(), student.shape[0]);
    }

    private static Tensor Weights(Tensor teacher, Tensor mask, FrameSelection selection, int neighbours)
    {
        if (selection == FrameSelection.All)
        {
            return mask;
        }

        var spikes = teacher.argmax(-1).ne(Blank).to(mask.dtype) * mask;
        if (neighbours == 0)
        {
            return spikes;
        }

        var near = nn.functional.max_pool1d(spikes.unsqueeze(1), (2 * neighbours) + 1, stride: 1, padding: neighbours).squeeze(1) * mask;
        if (selection == FrameSelection.NonBlank)
        {
            return near;
        }

        // Blank frames before a spike and those after it are equally many but at the ends, so one weight serves both sides.
        var blanks = near - spikes;
        return spikes + (blanks * (spikes.sum(1, true) / blanks.sum(1, true).clamp_min(1)));
    }

    private static Tensor MeanOverFrames(Tensor values, Tensor weights) => (values * weights).sum(1) / weights.sum(1).clamp_min(1);

    private static (Tensor Losses, Tensor Lengths) Each(Tensor logits, Tensor? mask, Tensor targets)
    {
        if (logits.dim() != 3 || targets.dim() != 2 || targets.shape[0] != logits.shape[0])
        {
            throw new ArgumentException($"CTC needs logits [N, T, V] and labels [N, L], not {LossChecks.Show(logits)} and {LossChecks.Show(targets)}");
        }

        var lengths = targets.ge(0).sum(1);
        var frames = mask is null ? full([logits.shape[0]], logits.shape[1], ScalarType.Int64) : mask.ne(0).sum(1);
        var labelled = lengths.gt(0);
        if (!labelled.any().item<bool>())
        {
            return (LossPrecision.Widen(logits).sum([1, 2]).mul(0), lengths);
        }

        var rows = labelled.nonzero().reshape(-1);
        var log = nn.functional.log_softmax(LossPrecision.Widen(logits).index_select(0, rows), -1).transpose(0, 1);
        var losses = nn.functional.ctc_loss(
            log, targets.index_select(0, rows).clamp_min(0).contiguous(), frames.index_select(0, rows), lengths.index_select(0, rows), Blank, zero_infinity: true, nn.Reduction.None);
        return (zeros([logits.shape[0]], losses.dtype, losses.device).index_add(0, rows, losses, 1), lengths);
    }
}
