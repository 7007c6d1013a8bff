using System.Text;
using System.Text.RegularExpressions;

namespace DistillSharp.Text.Corpora;

/// <summary>Pairs paragraphs of Debian's package descriptions with their translations.</summary>
internal static partial class DebianParagraphs
{
    /// <summary>Descriptions of an index by the hash of the original: package name, and text with its first line first.</summary>
    /// <param name="index">An index of translations, unpacked.</param>
    /// <param name="language">Its language.</param>
    public static Dictionary<string, (string Package, string Text)> Descriptions(byte[] index, string language)
    {
        var found = new Dictionary<string, (string, string)>();
        foreach (var stanza in Stanzas(index))
        {
            if (stanza.TryGetValue("Package", out var package) && stanza.TryGetValue("Description-md5", out var hash) && stanza.TryGetValue("Description-" + language, out var text))
            {
                found.TryAdd(hash, (package, text));
            }
        }

        return found;
    }

    /// <summary>The source package of every package of an index of packages, unpacked.</summary>
    public static void AddSources(byte[] index, Dictionary<string, string> sources)
    {
        foreach (var stanza in Stanzas(index, "Package", "Source"))
        {
            if (stanza.TryGetValue("Package", out var package))
            {
                sources.TryAdd(package, stanza.GetValueOrDefault("Source", package).Split(' ')[0]);
            }
        }
    }

    /// <summary>
    /// The sentences that belong together. Paragraphs are paired where both texts have as many of each kind, the synopsis always;
    /// a paragraph is one sentence unless both sides have the same number of them.
    /// </summary>
    public static IEnumerable<(string Source, string Target)> Align(string source, string target)
    {
        var (left, right) = (Split(source), Split(target));
        var fit = left.Count == right.Count && left.Zip(right).All(pair => pair.First.IsItem == pair.Second.IsItem);
        foreach (var (one, other) in left.Zip(right).Take(fit ? left.Count : 1))
        {
            var (sentences, translations) = (SentenceEnd().Split(one.Text), SentenceEnd().Split(other.Text));
            if (sentences.Length != translations.Length)
            {
                (sentences, translations) = ([one.Text], [other.Text]);
            }

            foreach (var pair in sentences.Zip(translations))
            {
                yield return pair;
            }
        }
    }

    [GeneratedRegex(@"(?<=[.!?]) (?=\p{Lu})", RegexOptions.CultureInvariant)]
    private static partial Regex SentenceEnd();

    // The first line is the synopsis; then lines of a paragraph, " ." between paragraphs, and items of lists, which are indented.
    private static List<(string Text, bool IsItem)> Split(string description)
    {
        var paragraphs = new List<(string Text, bool IsItem)>();
        var open = false;
        foreach (var (number, line) in description.Split('\n').Index())
        {
            var text = line.Trim();
            var bullet = number > 0 && line.StartsWith("  ", StringComparison.Ordinal) && text.Length > 2 && text[0] is '*' or '-' or '+' or 'o' or '·' or '•' && text[1] == ' ';
            if (number == 0 || text is "." or "")
            {
                open = false;
            }

            if (text is "." or "")
            {
                continue;
            }

            if (bullet || !open)
            {
                paragraphs.Add((bullet ? text[2..].TrimStart() : text, bullet));
            }
            else
            {
                paragraphs[^1] = (paragraphs[^1].Text + " " + text, paragraphs[^1].IsItem);
            }

            open = number > 0;
        }

        return paragraphs;
    }

    private static IEnumerable<Dictionary<string, string>> Stanzas(byte[] index, params string[] only)
    {
        var (stanza, key) = (new Dictionary<string, string>(), "");
        using var reader = new StreamReader(new MemoryStream(index), Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0)
            {
                yield return stanza;
                (stanza, key) = ([], "");
            }
            else if (line[0] is ' ')
            {
                if (key.Length > 0)
                {
                    stanza[key] += "\n" + line;
                }
            }
            else if (line.IndexOf(": ", StringComparison.Ordinal) is > 0 and var colon)
            {
                key = line[..colon];
                if (only.Length == 0 || only.Contains(key))
                {
                    stanza[key] = line[(colon + 2)..];
                }
                else
                {
                    key = "";
                }
            }
        }

        if (stanza.Count > 0)
        {
            yield return stanza;
        }
    }
}
