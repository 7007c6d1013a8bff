namespace DistillSharp.Text.Metrics;

/// <summary>Counts of the n-grams of a sentence.</summary>
internal static class Ngrams
{
    /// <summary>The n-grams of one order with their counts; parts are joined by <paramref name="separator"/>, which no part contains.</summary>
    public static Dictionary<string, int> Count(IReadOnlyList<string> parts, int order, string separator)
    {
        string[] all = [.. parts];
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var start = 0; start + order <= all.Length; start++)
        {
            var ngram = string.Join(separator, all, start, order);
            counts[ngram] = counts.GetValueOrDefault(ngram) + 1;
        }

        return counts;
    }

    /// <summary>How many n-grams both have, each as often as in the one that has fewer.</summary>
    public static int Matches(Dictionary<string, int> hypothesis, Dictionary<string, int> reference) =>
        hypothesis.Sum(ngram => Math.Min(ngram.Value, reference.GetValueOrDefault(ngram.Key)));
}
