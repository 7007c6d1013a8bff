using System.Text;
using System.Text.RegularExpressions;

namespace DistillSharp.Text.Tokenization;

/// <summary>A part of a sentence that is not translated.</summary>
/// <param name="Text">What it is.</param>
/// <param name="Count">How often the sentence has it.</param>
public readonly record struct Placeholder(string Text, int Count);

/// <summary>
/// Keeps what must not be translated: format marks (<c>%s</c>, <c>%1$d</c>, <c>%(name)s</c>, <c>{0}</c>, <c>{0:.2f}</c>, <c>{user.name}</c>,
/// <c>${name}</c>, <c>$(name)</c>), tags and addresses are letters of their own while a sentence is translated, and come back after it.
/// </summary>
public static partial class Placeholders
{
    private const char NoLetter = '\uFFFD';

    /// <summary>A sentence with a letter for each placeholder, and what they stand for in order.</summary>
    /// <param name="text">The sentence. Placeholders beyond the tenth different one stay as they are.</param>
    public static (string Text, IReadOnlyList<Placeholder> Values) Hide(string text)
    {
        var values = new List<Placeholder>();
        var hidden = Mark().Replace(text, match => Letter(match.Value, values));
        return (hidden, values);
    }

    /// <summary>The two sides of a pair with the same letters for the same placeholders; as they are where they do not have the same ones.</summary>
    public static (string Source, string Target) Hide(string source, string target)
    {
        var (hidden, values) = Hide(source);
        return values.Count > 0 && Marks(target).SequenceEqual(Marks(source))
            ? (hidden, Mark().Replace(target, match => Letter(match.Value, [.. values])))
            : (WithoutLetters(source), WithoutLetters(target));
    }

    /// <summary>
    /// Puts placeholders back, each as often as the sentence had it: what the translation lost goes to its end, what it made up or repeats goes.
    /// </summary>
    public static string Show(string text, IReadOnlyList<Placeholder> values)
    {
        var (shown, left) = (new StringBuilder(text.Length), values.Select(value => value.Count).ToArray());
        foreach (var letter in text)
        {
            if (!BytePairEncoding.IsPlaceholder(letter))
            {
                shown.Append(letter);
            }
            else if (letter - BytePairEncoding.FirstPlaceholder is var number && number < left.Length && left[number] > 0)
            {
                shown.Append(values[number].Text);
                left[number]--;
            }
        }

        foreach (var lost in values.SelectMany((value, number) => Enumerable.Repeat(value.Text, left[number])))
        {
            shown.Append(shown.Length > 0 ? " " : "").Append(lost);
        }

        return shown.ToString();
    }

    /// <summary>A text in pieces: its placeholders, and what is between them.</summary>
    internal static IEnumerable<(string Text, bool IsPlaceholder)> Split(string text)
    {
        var start = 0;
        foreach (Match match in Mark().Matches(text))
        {
            if (match.Index > start)
            {
                yield return (text[start..match.Index], false);
            }

            yield return (match.Value, true);
            start = match.Index + match.Length;
        }

        if (start < text.Length)
        {
            yield return (text[start..], false);
        }
    }

    private static string Letter(string text, List<Placeholder> values)
    {
        var number = values.FindIndex(value => value.Text == text);
        if (number < 0 && values.Count == BytePairEncoding.Placeholders)
        {
            return WithoutLetters(text);
        }

        if (number < 0)
        {
            number = values.Count;
            values.Add(new Placeholder(text, 0));
        }

        values[number] = values[number] with { Count = values[number].Count + 1 };
        return ((char)(BytePairEncoding.FirstPlaceholder + number)).ToString();
    }

    private static IEnumerable<string> Marks(string text) => Mark().Matches(text).Select(match => match.Value).Order(StringComparer.Ordinal);

    // Where one of the letters is left in a text as itself, it would be taken for a placeholder.
    private static string WithoutLetters(string text) => text.Any(BytePairEncoding.IsPlaceholder)
        ? string.Concat(text.Select(letter => BytePairEncoding.IsPlaceholder(letter) ? NoLetter : letter))
        : text;

    // The letters of placeholders are placeholders as well, should a text have them.
    [GeneratedRegex(@"%(?:\([A-Za-z_][\w.]*\)|\d+\$)?[-+#0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?[sdiuxXcfgeop](?![A-Za-z])|\$\{[A-Za-z_][\w.]*\}|\$\([A-Za-z_][\w.]*\)|\{(?:[A-Za-z_]\w*|\d+)?(?:\.\w+|\[\w+\])*(?:,-?\d+)?(?:![rsa])?(?::[^{}\s]*)?\}|</?[A-Za-z][^<>]*>|https?://[^\s<>()""]*[^\s<>()"".,;:!?]|[\uE000-\uE009]", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
