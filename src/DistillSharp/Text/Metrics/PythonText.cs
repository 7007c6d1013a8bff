using System.Globalization;
using System.Text;

namespace DistillSharp.Text.Metrics;

/// <summary>
/// Characters, white space and lower case as Python's <c>str</c> has them. Published scores come from Python code, and .NET
/// differs in details that move a score: UTF-16 units, four separators that are no white space, İ and the final sigma.
/// </summary>
internal static class PythonText
{
    /// <summary>True for what <c>str.isspace</c> accepts: Unicode white space and the separators U+001C to U+001F.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    /// <summary><c>str.split()</c>: the words between runs of white space.</summary>
    public static List<string> Split(string text)
    {
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && !IsSpace(text[i]))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                words.Add(text[start..i]);
                start = -1;
            }
        }

        return words;
    }

    /// <summary><c>str.rstrip()</c>.</summary>
    public static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary><c>str.lstrip()</c>.</summary>
    public static string TrimStart(string text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    /// <summary>Code points, each as a string; a pair of surrogates is one.</summary>
    public static List<string> Characters(string text)
    {
        var characters = new List<string>(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var length = char.IsSurrogatePair(text, i) ? 2 : 1;
            characters.Add(text.Substring(i, length));
            i += length;
        }

        return characters;
    }

    /// <summary><c>str.lower()</c>: Unicode's full lower case.</summary>
    public static string Lower(string text)
    {
        var lower = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                lower.Append(text[i++]);
                continue;
            }

            _ = rune.Value switch
            {
                'Σ' => lower.Append(IsFinalSigma(text, i) ? 'ς' : 'σ'),
                'İ' => lower.Append("i\u0307"),
                _ => lower.Append(Rune.ToLowerInvariant(rune).ToString()),
            };
            i += rune.Utf16SequenceLength;
        }

        return lower.ToString();
    }

    /// <summary>Unicode's Final_Sigma: a letter before and none after, marks and apostrophes not counting.</summary>
    private static bool IsFinalSigma(string text, int at)
    {
        var before = text[..at].EnumerateRunes().Reverse().SkipWhile(IsCaseIgnorable).Take(1);
        var after = text[(at + 1)..].EnumerateRunes().SkipWhile(IsCaseIgnorable).Take(1);
        return before.Any(IsCased) && !after.Any(IsCased);
    }

    private static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || rune.Value is 'ª' or 'º' or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9);

    private static bool IsCaseIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol
        || rune.Value is '\'' or '.' or ':' or '·' or '‘' or '’' or '․' or '‧' or '׳' or 0x055F or 0xFE13 or 0xFE52 or 0xFE55 or 0xFF07 or 0xFF0E or 0xFF1A;
}
