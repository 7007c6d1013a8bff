using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace DistillSharp.Text.Tokenization;

/// <summary>
/// Byte-level subwords: a text is cut as GPT-2 cuts it, and in each piece the pairs that were learned first are joined first (Sennrich
/// et al., ACL 2016). Every text is made of known subwords, and decoding gives it back.
/// </summary>
public sealed partial class BytePairEncoding
{
    /// <summary>Fills rows of a batch.</summary>
    public const int Pad = 0;

    /// <summary>Comes before the first subword of a target.</summary>
    public const int Begin = 1;

    /// <summary>Ends a sentence.</summary>
    public const int End = 2;

    /// <summary>Letters that stand for placeholders, from U+E000 on, each a subword of its own.</summary>
    public const int Placeholders = 10;

    /// <summary>The letter of the first placeholder.</summary>
    public const char FirstPlaceholder = '\uE000';

    internal const int FirstByte = End + 1 + Placeholders;
    private const int CachedPieces = 100_000;

    private readonly Dictionary<(int, int), (int Rank, int Joined)> _merges = [];
    private readonly Dictionary<string, int[]> _cache = [];
    private readonly List<string> _tokens;
    private readonly byte[]?[] _bytes;

    internal BytePairEncoding(List<string> tokens, IReadOnlyList<(string Left, string Right)> merges)
    {
        _tokens = tokens;
        Merges = merges;
        var ids = tokens.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
        foreach (var (rank, (left, right)) in merges.Index())
        {
            _merges.TryAdd((ids[left], ids[right]), (rank, ids[left + right]));
        }

        _bytes = [.. tokens.Select((token, id) => id < FirstByte ? null : ByteLetters.Back(token))];
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Identity(tokens, merges)))));
    }

    /// <summary>Number of subwords.</summary>
    public int Size => _tokens.Count;

    /// <summary>The subwords in the order of their numbers, as files hold them.</summary>
    public IReadOnlyList<string> Tokens => _tokens;

    /// <summary>Pairs in the order in which they were learned.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>Hash of what was learned: a network belongs to one vocabulary.</summary>
    public string Sha256 { get; }

    // Merges number the subwords, as they were learned; subwords that are numbered otherwise are part of what a network depends on.
    private static IEnumerable<string> Identity(IReadOnlyList<string> tokens, IReadOnlyList<(string Left, string Right)> merges)
    {
        var learned = BaseTokens().Concat(merges.Select(merge => merge.Left + merge.Right)).Distinct();
        return merges.Select(merge => $"{merge.Left} {merge.Right}").Concat(tokens.SequenceEqual(learned) ? [] : tokens);
    }

    /// <summary>The subwords that every vocabulary begins with: three marks, placeholders, bytes.</summary>
    internal static List<string> BaseTokens() =>
    [
        "<|pad|>", "<|begin|>", "<|end|>",
        .. Enumerable.Range(0, Placeholders).Select(number => ((char)(FirstPlaceholder + number)).ToString()),
        .. Enumerable.Range(0, 256).Select(value => ByteLetters.Of((byte)value).ToString()),
    ];

    /// <summary>Learns a vocabulary from texts; see <see cref="BytePairTrainer"/>.</summary>
    /// <param name="texts">Training texts.</param>
    /// <param name="size">Most subwords, all included.</param>
    public static BytePairEncoding Learn(IEnumerable<string> texts, int size) => BytePairTrainer.Learn(texts, size);

    /// <summary>The subwords of a text, without marks for its begin and end.</summary>
    public int[] Encode(string text)
    {
        var ids = new List<int>();
        foreach (var piece in Pieces(text))
        {
            if (piece.Length == 1 && IsPlaceholder(piece[0]))
            {
                ids.Add(End + 1 + (piece[0] - FirstPlaceholder));
                continue;
            }

            int[]? joined;
            lock (_cache)
            {
                _cache.TryGetValue(piece, out joined);
            }

            if (joined is null)
            {
                joined = Join(piece);
                lock (_cache)
                {
                    if (_cache.Count < CachedPieces)
                    {
                        _cache[piece] = joined;
                    }
                }
            }

            ids.AddRange(joined);
        }

        return [.. ids];
    }

    /// <summary>The text of subwords; marks are left out, bytes that are no UTF-8 become U+FFFD.</summary>
    public string Decode(IEnumerable<int> ids)
    {
        var bytes = new List<byte>();
        foreach (var id in ids)
        {
            if (id is > End and < FirstByte)
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(_tokens[id]));
            }
            else if (_bytes[id] is { } piece)
            {
                bytes.AddRange(piece);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>The pieces that are joined on their own: words with the space before them, numbers, signs, white space, placeholders.</summary>
    internal static IEnumerable<string> Pieces(string text)
    {
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && !IsPlaceholder(text[i]))
            {
                continue;
            }

            foreach (Match match in Cut().Matches(text[start..i]))
            {
                yield return match.Value;
            }

            if (i < text.Length)
            {
                yield return text[i].ToString();
            }

            start = i + 1;
        }
    }

    /// <summary>True for a letter that stands for a placeholder.</summary>
    internal static bool IsPlaceholder(char letter) => letter is >= FirstPlaceholder and < (char)(FirstPlaceholder + Placeholders);

    // GPT-2's expression, which its readers share.
    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Cut();

    private int[] Join(string piece)
    {
        List<int> symbols = [.. Encoding.UTF8.GetBytes(piece).Select(value => FirstByte + value)];
        while (symbols.Count > 1)
        {
            var (best, at) = (int.MaxValue, -1);
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                if (_merges.TryGetValue((symbols[i], symbols[i + 1]), out var merge) && merge.Rank < best)
                {
                    (best, at) = (merge.Rank, i);
                }
            }

            if (at < 0)
            {
                break;
            }

            // All places of a pair at once, from the left, as the pair was learned.
            var pair = (symbols[at], symbols[at + 1]);
            var joined = _merges[pair].Joined;
            var kept = at;
            for (var i = at; i < symbols.Count; i++)
            {
                var fits = i + 1 < symbols.Count && (symbols[i], symbols[i + 1]) == pair;
                symbols[kept++] = fits ? joined : symbols[i];
                i += fits ? 1 : 0;
            }

            symbols.RemoveRange(kept, symbols.Count - kept);
        }

        return [.. symbols];
    }
}
