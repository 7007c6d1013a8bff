using System.Text;
using System.Text.RegularExpressions;

namespace DistillSharp.Text.Tokenization;

/// <summary>
/// Keeps what must not be translated: format marks (<c>%s</c>, <c>%1$d</c>, <c>{0}</c>, <c>${name}</c>, <c>$(name)</c>), tags and
/// addresses are letters of their own while a sentence is translated, and come back after it.
/// </summary>
public static partial class Placeholders
{
    /// <summary>A sentence with a letter for each placeholder, and what they stand for in order.</summary>
    /// <param name="text">The sentence. Placeholders beyond the tenth different one stay as they are.</param>
    public static (string Text, IReadOnlyList<string> Values) Hide(string text)
    {
        var values = new List<string>();
        var hidden = Mark().Replace(text, match => Letter(match.Value, values) ?? match.Value);
        return (hidden, values);
    }

    /// <summary>The two sides of a pair with the same letters for the same placeholders; as they are where they do not have the same ones.</summary>
    public static (string Source, string Target) Hide(string source, string target)
    {
        var (hidden, values) = Hide(source);
        if (values.Count == 0 || !Mark().Matches(target).Select(match => match.Value).Order().SequenceEqual(Mark().Matches(source).Select(match => match.Value).Order()))
        {
            return (source, target);
        }

        return (hidden, Mark().Replace(target, match => Letter(match.Value, [.. values]) ?? match.Value));
    }

    /// <summary>Puts placeholders back; one that the translation lost goes to its end, one that it made up goes.</summary>
    public static string Show(string text, IReadOnlyList<string> values)
    {
        var (shown, seen) = (new StringBuilder(text.Length), new bool[values.Count]);
        foreach (var letter in text)
        {
            var number = letter - BytePairEncoding.FirstPlaceholder;
            if (number is < 0 or >= BytePairEncoding.Placeholders)
            {
                shown.Append(letter);
            }
            else if (number < values.Count)
            {
                shown.Append(values[number]);
                seen[number] = true;
            }
        }

        foreach (var (number, value) in values.Index().Where(entry => !seen[entry.Index]))
        {
            shown.Append(shown.Length > 0 ? " " : "").Append(value);
        }

        return shown.ToString();
    }

    private static string? Letter(string value, List<string> values)
    {
        var number = values.IndexOf(value);
        if (number < 0 && values.Count < BytePairEncoding.Placeholders)
        {
            number = values.Count;
            values.Add(value);
        }

        return number < 0 ? null : ((char)(BytePairEncoding.FirstPlaceholder + number)).ToString();
    }

    [GeneratedRegex(@"%(?:\d+\$)?[-+#0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?[sdiuxXcfgeop](?![A-Za-z])|\$\{[A-Za-z_][\w.]*\}|\$\([A-Za-z_][\w.]*\)|\{[A-Za-z_]*\d*\}|</?[A-Za-z][^<>]*>|https?://[^\s<>()""]*[^\s<>()"".,;:!?]", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
