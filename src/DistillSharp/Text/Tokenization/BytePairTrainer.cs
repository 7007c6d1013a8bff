using System.Text;

namespace DistillSharp.Text.Tokenization;

/// <summary>
/// Learns byte-level subwords: again and again the most frequent pair of neighbours becomes a subword. Pairs of one frequency go in
/// the order of their letters, so that the same texts give the same vocabulary everywhere.
/// </summary>
internal sealed class BytePairTrainer
{
    private const int LeastCount = 2;

    private readonly List<string> _tokens = BytePairEncoding.BaseTokens();
    private readonly Dictionary<string, int> _ids = [];
    private readonly List<(int[] Symbols, long Count)> _words = [];
    private readonly Dictionary<(int Left, int Right), long> _counts = [];
    private readonly Dictionary<(int Left, int Right), HashSet<int>> _places = [];
    private readonly PriorityQueue<(int Left, int Right), (long Count, string Left, string Right)> _queue = new(new ByCount());

    private BytePairTrainer(IEnumerable<string> texts)
    {
        foreach (var (id, token) in _tokens.Index())
        {
            _ids[token] = id;
        }

        var pieces = new Dictionary<string, long>();
        foreach (var piece in texts.SelectMany(BytePairEncoding.Pieces))
        {
            pieces[piece] = pieces.GetValueOrDefault(piece) + 1;
        }

        foreach (var (piece, count) in pieces.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            AddWord([.. Encoding.UTF8.GetBytes(piece).Select(value => BytePairEncoding.FirstByte + value)], count);
        }
    }

    public static BytePairEncoding Learn(IEnumerable<string> texts, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, BytePairEncoding.FirstByte + 256);
        return new BytePairTrainer(texts).Learn(size);
    }

    private BytePairEncoding Learn(int size)
    {
        var merges = new List<(string, string)>();
        foreach (var pair in _counts.Keys)
        {
            Enqueue(pair);
        }

        while (_tokens.Count < size && _queue.TryDequeue(out var pair, out var priority))
        {
            // Counts fall as neighbours are joined; the queue learns of it here.
            if (_counts.GetValueOrDefault(pair) is var count && count != priority.Count)
            {
                if (count >= LeastCount)
                {
                    Enqueue(pair);
                }

                continue;
            }

            if (count < LeastCount)
            {
                break;
            }

            merges.Add((_tokens[pair.Left], _tokens[pair.Right]));
            Merge(pair, IdOf(_tokens[pair.Left] + _tokens[pair.Right]));
        }

        return new BytePairEncoding(_tokens, merges);
    }

    private int IdOf(string token)
    {
        if (!_ids.TryGetValue(token, out var id))
        {
            id = _tokens.Count;
            _tokens.Add(token);
            _ids[token] = id;
        }

        return id;
    }

    private void AddWord(int[] symbols, long count)
    {
        _words.Add((symbols, count));
        for (var i = 0; i + 1 < symbols.Length; i++)
        {
            Change((symbols[i], symbols[i + 1]), count, _words.Count - 1);
        }
    }

    private void Merge((int Left, int Right) pair, int joined)
    {
        var touched = new HashSet<(int, int)>();
        foreach (var index in _places[pair].ToList())
        {
            var (symbols, count) = _words[index];
            for (var i = 0; i + 1 < symbols.Length; i++)
            {
                Change((symbols[i], symbols[i + 1]), -count, index);
            }

            var next = Joined(symbols, pair, joined);
            _words[index] = (next, count);
            for (var i = 0; i + 1 < next.Length; i++)
            {
                Change((next[i], next[i + 1]), count, index);
                if (next[i] == joined || next[i + 1] == joined)
                {
                    touched.Add((next[i], next[i + 1]));
                }
            }
        }

        foreach (var grown in touched)
        {
            Enqueue(grown);
        }

        _counts.Remove(pair);
        _places.Remove(pair);
    }

    private static int[] Joined(int[] symbols, (int Left, int Right) pair, int joined)
    {
        var next = new List<int>(symbols.Length);
        for (var i = 0; i < symbols.Length; i++)
        {
            var fits = i + 1 < symbols.Length && (symbols[i], symbols[i + 1]) == pair;
            next.Add(fits ? joined : symbols[i]);
            i += fits ? 1 : 0;
        }

        return [.. next];
    }

    // Words stay listed under pairs that they no longer have: a later merge of such a pair changes nothing in them.
    private void Change((int, int) pair, long difference, int word)
    {
        _counts[pair] = _counts.GetValueOrDefault(pair) + difference;
        if (difference > 0)
        {
            (_places.TryGetValue(pair, out var places) ? places : _places[pair] = []).Add(word);
        }
    }

    private void Enqueue((int Left, int Right) pair) => _queue.Enqueue(pair, (_counts[pair], _tokens[pair.Left], _tokens[pair.Right]));

    private sealed class ByCount : IComparer<(long Count, string Left, string Right)>
    {
        public int Compare((long Count, string Left, string Right) one, (long Count, string Left, string Right) other) =>
            one.Count != other.Count ? other.Count.CompareTo(one.Count)
            : string.CompareOrdinal(one.Left, other.Left) is not 0 and var left ? left
            : string.CompareOrdinal(one.Right, other.Right);
    }
}
