using DistillSharp.Evaluation;

namespace DistillSharp.Text.Metrics;

/// <summary>Whether one system translates better than another, judged on the sentences of one test set.</summary>
/// <param name="First">Score of the first.</param>
/// <param name="Second">Score of the second.</param>
/// <param name="Difference">First − second with the interval of a paired bootstrap over sentences.</param>
/// <param name="PValue">Approximate randomization, two-sided.</param>
public sealed record CorpusComparison(double First, double Second, Interval Difference, double PValue)
{
    /// <summary>Compares two systems' outputs of the same sentences.</summary>
    /// <exception cref="ArgumentException">The numbers of sentences differ; see <see cref="CorpusMetric.CountAll"/>.</exception>
    public static CorpusComparison Of(
        CorpusMetric metric, IReadOnlyList<string> first, IReadOnlyList<string> second, IReadOnlyList<IReadOnlyList<string>> references, ulong seed = 0, int resamples = Statistics.Resamples)
    {
        var (countsOfFirst, countsOfSecond) = (metric.CountAll(first, references), metric.CountAll(second, references));
        double Score(double[] counts) => metric.Score(counts);
        return new CorpusComparison(
            Score(countsOfFirst.Sum()),
            Score(countsOfSecond.Sum()),
            PairedTests.Bootstrap(countsOfFirst.Sentences, countsOfSecond.Sentences, Score, seed, resamples),
            PairedTests.ApproximateRandomization(countsOfFirst.Sentences, countsOfSecond.Sentences, Score, seed, resamples));
    }
}
