using System.Text;
using DistillSharp.Text.Corpora;

namespace DistillSharp.Text.Translation;

/// <summary>
/// Translates a stream line by line: as many lines come out as go in, in their order, and empty ones stay empty. A line that is longer
/// than a model can read is translated in parts.
/// </summary>
/// <param name="translator">Translates sentences.</param>
/// <param name="mostWords">Most words that are read at once.</param>
/// <param name="lines">Lines that are read before they are translated together.</param>
public sealed class LineTranslator(SentenceTranslator translator, int mostWords = 120, int lines = 256)
{
    /// <summary>Translates everything.</summary>
    /// <param name="input">UTF-8 lines.</param>
    /// <param name="name">What errors call the input.</param>
    /// <param name="output">Receives a line for each; flushed after each part.</param>
    /// <param name="cancellation">Stops between parts.</param>
    /// <returns>Number of lines.</returns>
    /// <exception cref="InvalidDataException">A line is not UTF-8; names it. The lines before it are translated.</exception>
    public long Translate(Stream input, string name, TextWriter output, CancellationToken cancellation = default)
    {
        var (waiting, count) = (new List<string>(), 0L);
        using var reader = TextLines.Read(input, name).GetEnumerator();
        while (true)
        {
            Exception? damaged = null;
            var more = false;
            try
            {
                more = reader.MoveNext();
            }
            catch (InvalidDataException error)
            {
                damaged = error;
            }

            if (more)
            {
                waiting.Add(reader.Current);
                count++;
            }

            if (waiting.Count > 0 && (!more || waiting.Count == lines))
            {
                foreach (var line in Translate(waiting, cancellation))
                {
                    output.Write(line);
                    output.Write('\n');
                }

                output.Flush();
                waiting.Clear();
            }

            if (damaged is not null)
            {
                throw damaged;
            }

            if (!more)
            {
                return count;
            }
        }
    }

    /// <summary>A translation for each line.</summary>
    public IReadOnlyList<string> Translate(IReadOnlyList<string> texts, CancellationToken cancellation = default)
    {
        var parts = texts.Select(Parts).ToList();
        var translated = translator.Translate([.. parts.SelectMany(line => line)], cancellation).Texts;
        var next = 0;
        return [.. parts.Select(line => string.Join(' ', translated[next..(next += line.Count)]))];
    }

    // Cut behind the last end of a sentence that fits, else behind a word. A word of thousands of letters is cut as well.
    private List<string> Parts(string text)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).SelectMany(word => word.Chunk(200).Select(letters => new string(letters))).ToList();
        if (words.Count <= mostWords && words.Sum(word => Encoding.UTF8.GetByteCount(word)) <= mostWords * 6)
        {
            return [text.Trim()];
        }

        var (parts, start) = (new List<string>(), 0);
        while (start < words.Count)
        {
            var (end, bytes) = (start, 0);
            while (end < words.Count && end - start < mostWords && (end == start || bytes + Encoding.UTF8.GetByteCount(words[end]) <= mostWords * 6))
            {
                bytes += Encoding.UTF8.GetByteCount(words[end++]);
            }

            var sentence = end < words.Count ? words.FindLastIndex(end - 1, end - start, word => word[^1] is '.' or '!' or '?' or ';') : -1;
            end = sentence > start ? sentence + 1 : end;
            parts.Add(string.Join(' ', words[start..end]));
            start = end;
        }

        return parts;
    }
}
