using System.Text;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Tokenization;

namespace DistillSharp.Text.Translation;

/// <summary>
/// Translates a stream line by line: as many lines come out as go in, in their order, and empty ones stay empty. A line that is longer
/// than what is read at once is translated sentence by sentence, and a sentence that is longer in parts.
/// </summary>
/// <param name="translator">Translates sentences.</param>
/// <param name="mostWords">Most words that are read at once: no more than the sentences had that the model was trained with, since it writes too little for longer ones.</param>
/// <param name="lines">Most lines that are translated together.</param>
public sealed class LineTranslator(SentenceTranslator translator, int mostWords = LineTranslator.LongestPart, int lines = 256)
{
    /// <summary>Most words that are read at once, whatever a model was trained with.</summary>
    public const int LongestPart = 120;

    // Bounds of text whose words are long, or without spaces: every byte may become a token, and exported models have positions for 1,024 of them.
    private const int MostTokens = 720;
    private const int BytesOfAWord = 40;
    private const int LongestWord = 200;

    /// <summary>Translates everything.</summary>
    /// <param name="input">UTF-8 lines; those that have come are translated before more are waited for.</param>
    /// <param name="name">What errors call the input.</param>
    /// <param name="output">Receives a line for each; flushed after each part.</param>
    /// <param name="cancellation">Stops between parts, and where more input is waited for.</param>
    /// <returns>Number of lines.</returns>
    /// <exception cref="InvalidDataException">A line is not UTF-8; names it. The lines before it are translated.</exception>
    public long Translate(Stream input, string name, TextWriter output, CancellationToken cancellation = default)
    {
        var (waiting, count) = (new List<string>(), 0L);
        using var reader = TextLines.ReadAhead(input, name, cancellation).GetEnumerator();
        while (true)
        {
            Exception? damaged = null;
            var (more, hasNext) = (false, false);
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
                (var text, hasNext) = reader.Current;
                waiting.Add(text);
                count++;
            }

            if (waiting.Count > 0 && (!hasNext || waiting.Count == lines))
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

    // A line that can be read at once stays whole.
    private List<string> Parts(string text)
    {
        var (parts, pieces, start) = (new List<string>(), Pieces(text), 0);
        var isLong = Reach(pieces, 0) < pieces.Count;
        while (start < pieces.Count)
        {
            var end = isLong ? End(pieces, start) : pieces.Count;
            parts.Add(string.Concat(pieces[start..end].Select((piece, number) => number > 0 && piece.IsAfterSpace ? " " + piece.Text : piece.Text)));
            start = end;
        }

        return parts;
    }

    // Behind the first sentence; where it cannot be read at once behind its last comma that can, else behind a word, else where it must be.
    private int End(List<Piece> pieces, int start)
    {
        var reach = Reach(pieces, start);
        var words = Enumerable.Range(start + 1, reach - start).Where(cut => cut < pieces.Count && pieces[cut].IsAfterSpace).ToList();
        var sentence = words.Find(cut => cut > start + 1 && pieces[cut - 1].Text[^1] is '.' or '!' or '?' or ':' or ';');
        if (sentence > 0 || reach == pieces.Count)
        {
            return sentence > 0 ? sentence : reach;
        }

        var comma = words.FindLast(cut => cut > start + 1 && pieces[cut - 1].Text[^1] == ',');
        return comma > 0 ? comma : words.Count > 0 ? words[^1] : reach;
    }

    // Behind the last piece that can be read at once with the first; at least one can.
    private int Reach(List<Piece> pieces, int start)
    {
        var (words, tokens, placeholders) = (0, 0, new HashSet<string>());
        var mostTokens = Math.Min(MostTokens, (long)mostWords * BytesOfAWord);
        for (var end = start; end < pieces.Count; end++)
        {
            var piece = pieces[end];
            words += end == start || piece.IsAfterSpace ? 1 : 0;
            tokens += piece.Tokens + (piece.IsAfterSpace ? 1 : 0);
            if (piece.IsPlaceholder)
            {
                placeholders.Add(piece.Text);
            }

            // More placeholders than there are letters for would not be hidden.
            if (end > start && (words > mostWords || tokens > mostTokens || placeholders.Count > BytePairEncoding.Placeholders))
            {
                return end;
            }
        }

        return pieces.Count;
    }

    private static List<Piece> Pieces(string text)
    {
        var (pieces, isAfterSpace) = (new List<Piece>(), false);
        foreach (var (run, isPlaceholder) in Placeholders.Split(text))
        {
            if (isPlaceholder)
            {
                pieces.Add(new Piece(run, 1, true, isAfterSpace));
                isAfterSpace = false;
                continue;
            }

            isAfterSpace |= char.IsWhiteSpace(run[0]);
            foreach (var word in run.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                foreach (var piece in Cut(word))
                {
                    pieces.Add(new Piece(piece, Encoding.UTF8.GetByteCount(piece), false, isAfterSpace));
                    isAfterSpace = false;
                }

                isAfterSpace = true;
            }

            isAfterSpace = char.IsWhiteSpace(run[^1]);
        }

        return pieces;
    }

    // Never between the two halves of a character.
    private static IEnumerable<string> Cut(string word)
    {
        var start = 0;
        while (word.Length - start > LongestWord)
        {
            var end = start + LongestWord;
            end -= char.IsSurrogatePair(word, end - 1) ? 1 : 0;
            yield return word[start..end];
            start = end;
        }

        yield return word[start..];
    }

    /// <summary>What is never torn: a placeholder, or a word, or a piece of a long one.</summary>
    /// <param name="Text">The text, without space around it.</param>
    /// <param name="Tokens">The most tokens that it may become.</param>
    /// <param name="IsPlaceholder">True for a placeholder.</param>
    /// <param name="IsAfterSpace">True where white space is before it.</param>
    private readonly record struct Piece(string Text, int Tokens, bool IsPlaceholder, bool IsAfterSpace);
}
