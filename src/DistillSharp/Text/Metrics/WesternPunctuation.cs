using System.Text.RegularExpressions;

namespace DistillSharp.Text.Metrics;

/// <summary>The rules for Western punctuation that BLEU's <c>13a</c> and TER's normalisation share.</summary>
internal static partial class WesternPunctuation
{
    /// <summary>The four XML entities that evaluation scripts have always replaced, in their order.</summary>
    public static string Unescape(string text) => text
        .Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal)
        .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);

    /// <summary>Spaces around marks, around periods and commas not between digits, and around a dash after a digit.</summary>
    public static string Separate(string text) => SeparateNumbers(SeparateMarks(text));

    /// <summary>Spaces around ASCII marks other than the apostrophe, comma, dash and period.</summary>
    public static string SeparateMarks(string text) => Marks().Replace(text, " $1 ");

    /// <summary>Spaces around periods and commas not between digits, and around a dash after a digit.</summary>
    public static string SeparateNumbers(string text)
    {
        text = StopAfterOther().Replace(text, "$1 $2 ");
        text = StopBeforeOther().Replace(text, " $1 $2");
        return DashAfterDigit().Replace(text, "$1 $2 ");
    }

    [GeneratedRegex(@"([\{-~\[-` -&\(-\+:-@/])")]
    private static partial Regex Marks();

    [GeneratedRegex(@"([^0-9])([.,])")]
    private static partial Regex StopAfterOther();

    [GeneratedRegex(@"([.,])([^0-9])")]
    private static partial Regex StopBeforeOther();

    [GeneratedRegex(@"([0-9])(-)")]
    private static partial Regex DashAfterDigit();
}
