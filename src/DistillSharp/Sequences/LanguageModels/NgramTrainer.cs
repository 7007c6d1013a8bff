namespace DistillSharp.Sequences.LanguageModels;

/// <summary>
/// Trains interpolated Kneser-Ney models (Kneser and Ney, ICASSP 1995; Chen and Goodman, 1999, section 4.1.6, with one discount an order,
/// n₁ / (n₁ + 2n₂)): the highest order counts n-grams, lower ones in how many contexts they were seen.
/// </summary>
public static class NgramTrainer
{
    /// <summary>Trains a model on texts of tokens.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="order">Longest n-gram, from 1 to 10.</param>
    /// <exception cref="ArgumentException">There are no texts, a token is a mark or has white space, or the order is out of range.</exception>
    public static NgramModel Train(IEnumerable<IReadOnlyList<string>> texts, int order)
    {
        if (order is < 1 or > 10)
        {
            throw new ArgumentException($"the order of an n-gram model must be 1 to 10, not {order}");
        }

        List<string> vocabulary = [NgramModel.Unknown, NgramModel.Begin, NgramModel.End];
        var ids = vocabulary.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
        var highest = new Dictionary<NgramKey, int>();
        var starts = new Dictionary<NgramKey, int>();
        foreach (var text in texts)
        {
            int[] numbers = [1, .. text.Select(token => Number(token, ids, vocabulary)), 2];
            for (var end = 1; end < numbers.Length; end++)
            {
                var first = Math.Max(0, end - order + 1);
                // Near the begin n-grams are shorter: nothing can stand before it, so that they count as they are.
                var counted = end - first + 1 < order ? starts : highest;
                var key = new NgramKey(numbers[first..(end + 1)]);
                counted[key] = counted.GetValueOrDefault(key) + 1;
            }
        }

        if (highest.Count + starts.Count == 0)
        {
            throw new ArgumentException("an n-gram model needs at least one text");
        }

        return new NgramModel(vocabulary, Interpolated(Counts(highest, starts, order), vocabulary.Count));
    }

    private static int Number(string token, Dictionary<string, int> ids, List<string> vocabulary)
    {
        if (ids.TryGetValue(token, out var known))
        {
            return known > 2 ? known : throw new ArgumentException($"`{token}` is a mark of the model and cannot be a token");
        }

        if (token.Length == 0 || token.Any(char.IsWhiteSpace))
        {
            throw new ArgumentException($"a token of an n-gram model has no white space and at least one character, not `{token}`");
        }

        vocabulary.Add(token);
        return ids[token] = vocabulary.Count - 1;
    }

    // Counts by order: of a lower order's n-gram the number of tokens it was seen behind.
    private static Dictionary<NgramKey, int>[] Counts(Dictionary<NgramKey, int> highest, Dictionary<NgramKey, int> starts, int order)
    {
        var counts = new Dictionary<NgramKey, int>[order];
        counts[order - 1] = highest;
        for (var n = order - 1; n >= 1; n--)
        {
            counts[n - 1] = starts.Where(entry => entry.Key.Tokens.Length == n).ToDictionary(entry => entry.Key, entry => entry.Value);
            foreach (var longer in counts[n].Keys)
            {
                var key = new NgramKey(longer.Tokens[1..]);
                counts[n - 1][key] = counts[n - 1].GetValueOrDefault(key) + 1;
            }
        }

        return counts;
    }

    private static Dictionary<NgramKey, NgramEntry>[] Interpolated(Dictionary<NgramKey, int>[] counts, int vocabulary)
    {
        var probabilities = new Dictionary<NgramKey, double>[counts.Length];
        var left = new Dictionary<NgramKey, double>[counts.Length];
        for (var n = 1; n <= counts.Length; n++)
        {
            var (own, discount) = (counts[n - 1], Discount(counts[n - 1].Values));
            var contexts = own.GroupBy(entry => new NgramKey(entry.Key.Tokens[..^1])).ToDictionary(group => group.Key, group => (Sum: group.Sum(entry => (double)entry.Value), Kinds: group.Count()));
            left[n - 1] = contexts.ToDictionary(entry => entry.Key, entry => discount * entry.Value.Kinds / entry.Value.Sum);
            // The lowest order falls back on all tokens but the begin, those never seen included, alike.
            double Lower(NgramKey key) => n == 1 ? 1.0 / (vocabulary - 1) : probabilities[n - 2][new NgramKey(key.Tokens[1..])];
            probabilities[n - 1] = own.ToDictionary(entry => entry.Key, entry =>
            {
                var context = new NgramKey(entry.Key.Tokens[..^1]);
                return ((entry.Value - discount) / contexts[context].Sum) + (left[n - 1][context] * Lower(entry.Key));
            });
        }

        // Every token has a probability of its own: the unknown one that of the lowest fall-back, the begin none.
        probabilities[0].TryAdd(new NgramKey([0]), left[0][new NgramKey([])] / (vocabulary - 1));
        probabilities[0].TryAdd(new NgramKey([1]), 0);
        return
        [
            .. probabilities.Select((own, i) => own.ToDictionary(entry => entry.Key, entry => new NgramEntry(
                entry.Value > 0 ? Math.Log(entry.Value) : ArpaFile.Never,
                i + 1 < left.Length && left[i + 1].TryGetValue(entry.Key, out var rest) ? Math.Log(rest) : 0))),
        ];
    }

    // Where every n-gram was seen more than once there is no estimate of what is missing; a half is what small counts usually give.
    private static double Discount(IEnumerable<int> counts)
    {
        var (once, twice) = (counts.Count(count => count == 1), counts.Count(count => count == 2));
        return once == 0 ? 0.5 : (double)once / (once + (2 * twice)) is var estimate && estimate < 1 ? estimate : 0.75;
    }
}
