using System.Text;
using System.Text.RegularExpressions;

namespace DistillSharp.Text.Corpora;

/// <summary>Gettext catalogues as text (<c>.po</c>). Fuzzy, obsolete and untranslated messages are left out; of plural forms the first is taken.</summary>
public static partial class GettextText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The messages that have a translation.</summary>
    /// <exception cref="InvalidDataException">A line is not part of a catalogue; names file and line.</exception>
    public static IEnumerable<SentencePair> Read(string path)
    {
        var (number, fuzzy, field) = (0, false, "");
        var (source, target) = (new StringBuilder(), new StringBuilder());
        foreach (var raw in TextLines.Read(path).Append(""))
        {
            number++;
            var line = raw.Trim();
            var isRemark = line.Length == 0 || line[0] == '#';
            var key = isRemark ? "" : Key(line, path, number);
            if (IsTranslation(field) && key is "" or "msgctxt" or "msgid")
            {
                if (Finish(source, target, fuzzy) is { } pair)
                {
                    yield return pair;
                }

                (fuzzy, field) = (false, "");
            }

            if (isRemark)
            {
                // What was said before an obsolete message is said of that one.
                fuzzy = !line.StartsWith("#~", StringComparison.Ordinal)
                    && (fuzzy || (line.StartsWith("#,", StringComparison.Ordinal) && line.Contains("fuzzy", StringComparison.Ordinal)));
                continue;
            }

            field = key ?? field;
            var text = Quoted(line, path, number);
            (field switch { "msgid" => source, "msgstr" => target, _ => null })?.Append(text);
        }
    }

    /// <summary>Strict UTF-8.</summary>
    internal static string Decode(ReadOnlySpan<byte> bytes, string where)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"{where}: not valid UTF-8", error);
        }
    }

    private static bool IsTranslation(string field) => field.StartsWith("msgstr", StringComparison.Ordinal);

    private static SentencePair? Finish(StringBuilder source, StringBuilder target, bool fuzzy)
    {
        var pair = new SentencePair(source.ToString(), target.ToString(), PairFilter.Normalise(source.ToString()));
        source.Clear();
        target.Clear();
        return fuzzy || pair.Source.Length == 0 || pair.Target.Length == 0 ? null : pair;
    }

    // Null where a text goes on. Further plural forms fall under a field that nobody reads.
    private static string? Key(string line, string path, int number)
    {
        if (line[0] == '"')
        {
            return null;
        }

        var match = Keyword().Match(line);
        return !match.Success ? throw NoPart(path, number) : match.Groups["form"].Value is "" or "0" ? match.Groups["key"].Value : "msgstr[n]";
    }

    [GeneratedRegex("""^((?<key>msgctxt|msgid|msgid_plural|msgstr)|(?<key>msgstr)\s*\[\s*(?<form>[0-9]+)\s*\])\s*(?=")""")]
    private static partial Regex Keyword();

    private static InvalidDataException NoPart(string path, int number) =>
        new($"{path}, line {number}: not part of a gettext catalogue (msgctxt, msgid, msgid_plural or msgstr, then text in quotes)");

    private static string Quoted(string line, string path, int number)
    {
        var (first, last) = (line.IndexOf('"'), line.LastIndexOf('"'));
        if (last <= first)
        {
            throw NoPart(path, number);
        }

        var text = new StringBuilder();
        for (var i = first + 1; i < last; i++)
        {
            text.Append(line[i] != '\\' || i + 1 == last ? line[i] : line[++i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var other => other });
        }

        return text.ToString();
    }
}
