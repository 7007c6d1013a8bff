using DistillSharp.Config;
using DistillSharp.Sequences;
using DistillSharp.Speech.Corpora;
using DistillSharp.Training;

namespace DistillSharp.Speech.Recognition;

/// <summary>
/// Which of a teacher's transcripts a student learns: those close enough to the reference where there is one (Gandhi et al.: Distil-Whisper,
/// 2023, keep a word error rate of at most 10 %), all of them where there is none.
/// </summary>
internal static class TeacherTranscripts
{
    /// <summary>The utterances with the texts to learn.</summary>
    /// <param name="utterances">Training utterances, with transcripts or without.</param>
    /// <param name="outputs">The teacher's texts of each, best first.</param>
    /// <param name="options">Filter, choice, whether references are learned as well.</param>
    /// <param name="summary">How many were kept and dropped.</param>
    public static List<SpeechUtterance> Choose(IReadOnlyList<SpeechUtterance> utterances, IReadOnlyList<string[]> outputs, TeacherTargetsOptions options, out string summary)
    {
        var (chosen, empty, wrong, originals) = (new List<SpeechUtterance>(), 0, 0, 0);
        foreach (var (utterance, texts) in utterances.Zip(outputs))
        {
            var reference = Reads(utterance, options.Transcribed) ? utterance.Text : null;
            var text = reference is not null && options.Choose == OutputChoice.Closest
                ? texts.MinBy(candidate => ErrorRates.Words(reference, candidate).Rate)!
                : texts[0];
            if (reference is not null && options.Originals)
            {
                chosen.Add(utterance);
                originals++;
            }

            if (text.Length == 0)
            {
                empty++;
            }
            else if (reference is not null && ErrorRates.Words(reference, text).Rate > options.MaxWer)
            {
                wrong++;
            }
            else if (!(options.Originals && text == reference))
            {
                chosen.Add(utterance with { Text = text });
            }
        }

        summary = FormattableString.Invariant($"of {utterances.Count} outputs of the teacher {empty} are empty and {wrong} are further than {options.MaxWer:P0} from the transcript; {chosen.Count} texts are learned, {originals} of them transcripts");
        return chosen;
    }

    // By a hash of the path within the corpus: the same half for every seed and arm, and wherever the data lies.
    private static bool Reads(SpeechUtterance utterance, double share) =>
        Convert.ToUInt32(FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(utterance.Key))[..8], 16) < share * ((double)uint.MaxValue + 1);
}
