using DistillSharp.Evaluation;
using DistillSharp.Sequences;

namespace DistillSharp.Speech.Recognition;

/// <summary>The metrics of recognised speech.</summary>
public static class SpeechMetrics
{
    /// <summary>Adds them to a catalog and returns it.</summary>
    public static MetricCatalog AddTo(MetricCatalog catalog) => catalog
        .Add(new("wer_beam", "WER beam %", "word error rate of prefix beam search on the first test set", MetricUnit.Share, MetricDirection.Lower))
        .Add(new("wer_beam_lm", "WER beam LM %", "word error rate of prefix beam search with the language model of evaluation.language_model on the first test set", MetricUnit.Share, MetricDirection.Lower))
        .Add(new("character_accuracy", "1 − CER %", "1 less the character error rate, at least 0; chooses the best epoch", MetricUnit.Share, MetricDirection.Higher))
        .Add(new("spike_disagreement", "spikes apart", "mean distance in frames of the teacher between its and the student's frame of the same symbol", MetricUnit.Number, MetricDirection.Lower)
        {
            Paper = "Kurata and Audhkhasi, Guiding CTC Posterior Spike Timings, Interspeech 2019",
        })
        .Add(new("real_time_factor", "real-time factor", "seconds of computing a second of sound, features included, in batches", MetricUnit.Number, MetricDirection.Lower));

    /// <summary>Mean distance, in frames of the teacher, between the frames where both say a symbol that they both say; NaN where there is none.</summary>
    /// <param name="student">The student's symbols, one list an utterance.</param>
    /// <param name="studentSubsampling">Input frames of a student's frame.</param>
    /// <param name="teacher">The teacher's symbols of the same utterances.</param>
    /// <param name="teacherSubsampling">Input frames of a teacher's frame.</param>
    public static double SpikeDisagreement(
        IReadOnlyList<IReadOnlyList<CtcSymbol>> student, int studentSubsampling, IReadOnlyList<IReadOnlyList<CtcSymbol>> teacher, int teacherSubsampling)
    {
        var (sum, count) = (0.0, 0L);
        foreach (var (own, other) in student.Zip(teacher))
        {
            foreach (var edit in EditDistance.Align([.. other.Select(symbol => symbol.Label)], own.Select(symbol => symbol.Label).ToList()).Where(edit => edit.Kind == EditKind.Match))
            {
                sum += Math.Abs(((double)own[edit.Hypothesis].Frame * studentSubsampling / teacherSubsampling) - other[edit.Reference].Frame);
                count++;
            }
        }

        return count > 0 ? sum / count : double.NaN;
    }
}
