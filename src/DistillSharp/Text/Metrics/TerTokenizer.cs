using System.Text.RegularExpressions;

namespace DistillSharp.Text.Metrics;

/// <summary>Tercom's words: lower case, normalisation and removal of punctuation as the options say.</summary>
internal sealed partial class TerTokenizer(TerOptions options)
{
    /// <summary>The words of one line.</summary>
    public List<string> Tokenize(string line)
    {
        var text = PythonText.TrimEnd(line);
        text = options.CaseSensitive ? text : PythonText.Lower(text);
        if (options.Normalized && text.Length > 0)
        {
            text = Normalize(text);

            // Tercom's rules for runs of kana apply at the very start of a line only, where normalisation has put a space.
            text = options.AsianSupport ? AsianPunctuation().Replace(Ideographs().Replace(text, " $0 "), " $0 ") : text;
        }

        if (options.NoPunctuation)
        {
            text = Punctuation().Replace(text, "");
            text = options.AsianSupport ? AsianPunctuation().Replace(text, "") : text;
        }

        return PythonText.Split(text);
    }

    private static string Normalize(string text)
    {
        text = text.Replace("\n-", "", StringComparison.Ordinal).Replace('\n', ' ');
        text = WesternPunctuation.SeparateMarks($" {WesternPunctuation.Unescape(text)} ");
        return WesternPunctuation.SeparateNumbers(text.Replace("'s ", " 's ", StringComparison.Ordinal));
    }

    // Unified ideographs with extension A, strokes, radicals, compatibility blocks, enclosed letters (up to U+3F22, as sacrebleu has it).
    [GeneratedRegex(@"[\u2e80-\u2eff\u31c0-\u31ef\u3200-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f]")]
    private static partial Regex Ideographs();

    [GeneratedRegex(@"[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]")]
    private static partial Regex AsianPunctuation();

    [GeneratedRegex(@"[.,?:;!""()]")]
    private static partial Regex Punctuation();
}
