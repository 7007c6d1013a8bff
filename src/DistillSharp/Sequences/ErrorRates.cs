using System.Globalization;

namespace DistillSharp.Sequences;

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

    private static EditCounts Sum(IReadOnlyList<string> references, IReadOnlyList<string> hypotheses, Func<string, string, EditCounts> count) =>
        references.Count == hypotheses.Count
            ? references.Zip(hypotheses, count).Aggregate(default(EditCounts), (sum, next) => sum + next)
            : throw new ArgumentException($"there are {hypotheses.Count} hypotheses for {references.Count} references");
}
