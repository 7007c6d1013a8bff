using System.Globalization;

namespace DistillSharp.Sequences;

/// <summary>A word that is wrong, too many or missing.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Reference">The word that is right; null for one too many.</param>
/// <param name="Hypothesis">The word that was given; null for a missing one.</param>
public sealed record WordEdit(EditKind Kind, string? Reference, string? Hypothesis);

/// <summary>
/// Word and character error rates of transcripts, of a sentence or summed over a corpus: total errors over total reference length.
/// Texts are compared as they are; case, punctuation and numbers are for whoever normalises them.
/// </summary>
public static class ErrorRates
{
    /// <summary>Errors by word; words are what white space separates.</summary>
    public static EditCounts Words(string reference, string hypothesis) => EditDistance.Count(SplitWords(reference), SplitWords(hypothesis));

    /// <summary>Errors by character as a reader sees it (a letter with its accents is one); runs of white space count as one space, those at the ends not at all.</summary>
    public static EditCounts Characters(string reference, string hypothesis) => EditDistance.Count(SplitCharacters(reference), SplitCharacters(hypothesis));

    /// <summary>Word errors of a corpus.</summary>
    /// <exception cref="ArgumentException">The numbers of texts differ.</exception>
    public static EditCounts CorpusWords(IReadOnlyList<string> references, IReadOnlyList<string> hypotheses) => Sum(references, hypotheses, Words);

    /// <summary>Character errors of a corpus.</summary>
    /// <exception cref="ArgumentException">The numbers of texts differ.</exception>
    public static EditCounts CorpusCharacters(IReadOnlyList<string> references, IReadOnlyList<string> hypotheses) => Sum(references, hypotheses, Characters);

    /// <summary>The words of a text.</summary>
    public static string[] SplitWords(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The characters of a text, words joined by one space.</summary>
    public static string[] SplitCharacters(string text)
    {
        var characters = new List<string>();
        var elements = StringInfo.GetTextElementEnumerator(string.Join(' ', SplitWords(text)));
        while (elements.MoveNext())
        {
            characters.Add(elements.GetTextElement());
        }

        return [.. characters];
    }

    /// <summary>Errors and reference length [errors, length] of each sentence, of which a rate of the corpus is the quotient of the sums.</summary>
    /// <param name="counts">Counts of a sentence.</param>
    public static double[][] BySentence(IEnumerable<EditCounts> counts) => [.. counts.Select(count => new double[] { count.Errors, count.Length })];

    /// <summary>The words in which two texts differ, by the alignment of <see cref="EditDistance"/>, in their order.</summary>
    public static IReadOnlyList<WordEdit> WordEdits(string reference, string hypothesis)
    {
        var (expected, given) = (SplitWords(reference), SplitWords(hypothesis));
        return [.. EditDistance.Align(expected, given).Where(edit => edit.Kind != EditKind.Match)
            .Select(edit => new WordEdit(edit.Kind, edit.Reference < 0 ? null : expected[edit.Reference], edit.Hypothesis < 0 ? null : given[edit.Hypothesis]))];
    }

    private static EditCounts Sum(IReadOnlyList<string> references, IReadOnlyList<string> hypotheses, Func<string, string, EditCounts> count) =>
        references.Count == hypotheses.Count
            ? references.Zip(hypotheses, count).Aggregate(default(EditCounts), (sum, next) => sum + next)
            : throw new ArgumentException($"there are {hypotheses.Count} hypotheses for {references.Count} references");
}
