using System.Text;

namespace DistillSharp.Text.Corpora;

/// <summary>Gettext catalogues as text (<c>.po</c>). Fuzzy, obsolete and untranslated messages are left out; of plural forms the first is taken.</summary>
public static class GettextText
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
            if (line.Length == 0 || line[0] == '#' || line.StartsWith("msgctxt", StringComparison.Ordinal) || (line.StartsWith("msgid ", StringComparison.Ordinal) && IsTranslation(field)))
            {
                if (IsTranslation(field) && Finish(source, target, fuzzy) is { } pair)
                {
                    yield return pair;
                }

                if (IsTranslation(field))
                {
                    (fuzzy, field) = (false, "");
                }
            }

            if (line.Length == 0 || line[0] == '#')
            {
                fuzzy |= line.StartsWith("#,", StringComparison.Ordinal) && line.Contains("fuzzy", StringComparison.Ordinal);
                continue;
            }

            field = Key(line) is { } key ? key : field;
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

    // Further plural forms fall under a field that nobody reads.
    private static string? Key(string line) =>
        line[0] == '"' ? null
        : line.StartsWith("msgid_plural", StringComparison.Ordinal) ? "plural"
        : line.StartsWith("msgstr[0]", StringComparison.Ordinal) || line.StartsWith("msgstr ", StringComparison.Ordinal) ? "msgstr"
        : line.StartsWith("msgstr[", StringComparison.Ordinal) ? "msgstr[n]"
        : line.StartsWith("msgid ", StringComparison.Ordinal) ? "msgid"
        : "";

    private static string Quoted(string line, string path, int number)
    {
        var (first, last) = (line.IndexOf('"'), line.LastIndexOf('"'));
        if (first < 0 || last <= first || (first > 0 && !line.StartsWith("msg", StringComparison.Ordinal)))
        {
            throw new InvalidDataException($"{path}, line {number}: not part of a gettext catalogue (a keyword such as msgid, then text in quotes)");
        }

        var text = new StringBuilder();
        for (var i = first + 1; i < last; i++)
        {
            text.Append(line[i] != '\\' || i + 1 == last ? line[i] : line[++i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var other => other });
        }

        return text.ToString();
    }
}
