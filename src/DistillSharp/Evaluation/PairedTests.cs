using DistillSharp.Data;

namespace DistillSharp.Evaluation;

/// <summary>
/// Tests of two systems on the same test samples for statistics of summed counts, such as BLEU or a word error rate, which are no
/// means of per-sample values. Each sample gives an array of counts; the statistic takes the sums over samples.
/// </summary>
public static class PairedTests
{
    /// <summary>
    /// Difference first − second with the percentile interval of a paired bootstrap (Koehn, Statistical Significance Tests for
    /// Machine Translation Evaluation, EMNLP 2004): samples are drawn with what both systems did on them.
    /// </summary>
    /// <param name="first">Counts of one system, sample by sample.</param>
    /// <param name="second">Counts of the other on the same samples.</param>
    /// <param name="statistic">The statistic of summed counts.</param>
    /// <param name="seed">Seed of the resampling: same seed, same interval.</param>
    /// <param name="resamples">How often samples are drawn.</param>
    /// <param name="confidence">Confidence of the interval.</param>
    /// <exception cref="ArgumentException">The numbers of samples differ, or there are none.</exception>
    public static Interval Bootstrap(
        IReadOnlyList<double[]> first,
        IReadOnlyList<double[]> second,
        Func<double[], double> statistic,
        ulong seed = 0,
        int resamples = Statistics.Resamples,
        double confidence = Statistics.Confidence)
    {
        Check(first, second);
        var random = new StableRandom(seed);
        var differences = new double[resamples];
        for (var r = 0; r < resamples; r++)
        {
            var (sumOfFirst, sumOfSecond) = (new double[first[0].Length], new double[second[0].Length]);
            for (var i = 0; i < first.Count; i++)
            {
                var drawn = random.Below(first.Count);
                Add(sumOfFirst, first[drawn]);
                Add(sumOfSecond, second[drawn]);
            }

            differences[r] = statistic(sumOfFirst) - statistic(sumOfSecond);
        }

        Array.Sort(differences);
        return new Interval(
            statistic(Sum(first)) - statistic(Sum(second)),
            Statistics.Quantile(differences, (1 - confidence) / 2),
            Statistics.Quantile(differences, (1 + confidence) / 2));
    }

    /// <summary>
    /// Two-sided p value of approximate randomization (Riezler and Maxwell, On Some Pitfalls in Automatic Evaluation and Significance
    /// Testing for MT, 2005): how often the systems differ by at least as much when, sample by sample, a coin says whose output is whose.
    /// </summary>
    /// <param name="first">Counts of one system, sample by sample.</param>
    /// <param name="second">Counts of the other on the same samples.</param>
    /// <param name="statistic">The statistic of summed counts.</param>
    /// <param name="seed">Seed of the coins: same seed, same value.</param>
    /// <param name="trials">How often coins are thrown.</param>
    /// <exception cref="ArgumentException">The numbers of samples differ, or there are none.</exception>
    public static double ApproximateRandomization(
        IReadOnlyList<double[]> first, IReadOnlyList<double[]> second, Func<double[], double> statistic, ulong seed = 0, int trials = 10_000)
    {
        Check(first, second);
        var random = new StableRandom(seed);
        var observed = Math.Abs(statistic(Sum(first)) - statistic(Sum(second)));
        var asLarge = 0;
        for (var trial = 0; trial < trials; trial++)
        {
            var (sumOfFirst, sumOfSecond) = (new double[first[0].Length], new double[second[0].Length]);
            for (var i = 0; i < first.Count; i++)
            {
                var swapped = random.Below(2) == 1;
                Add(sumOfFirst, swapped ? second[i] : first[i]);
                Add(sumOfSecond, swapped ? first[i] : second[i]);
            }

            // Rounding must not decide about trials that only repeat the observed assignment.
            asLarge += Math.Abs(statistic(sumOfFirst) - statistic(sumOfSecond)) >= observed - 1e-12 ? 1 : 0;
        }

        return (asLarge + 1.0) / (trials + 1.0);
    }

    private static void Check(IReadOnlyList<double[]> first, IReadOnlyList<double[]> second)
    {
        if (first.Count != second.Count || first.Count == 0)
        {
            throw new ArgumentException($"both systems must have counts of the same samples: {first.Count} and {second.Count}");
        }
    }

    private static double[] Sum(IReadOnlyList<double[]> samples)
    {
        var sum = new double[samples[0].Length];
        foreach (var counts in samples)
        {
            Add(sum, counts);
        }

        return sum;
    }

    private static void Add(double[] sum, double[] counts)
    {
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] += counts[i];
        }
    }
}
