using DistillSharp.Data;
using MathNet.Numerics.Distributions;

namespace DistillSharp.Evaluation;

/// <summary>An estimate with its confidence interval.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Value, double Low, double High)
{
    /// <summary>True where 0 lies between the ends, ends included.</summary>
    public bool HoldsZero => Low <= 0 && High >= 0;
}

/// <summary>Summaries and intervals over seeds and over test samples.</summary>
public static class Statistics
{
    /// <summary>Confidence of every interval unless told otherwise.</summary>
    public const double Confidence = 0.95;

    /// <summary>Resamples of a bootstrap unless told otherwise.</summary>
    public const int Resamples = 2000;

    // Of the largest of the values, far above what rounding leaves of equal differences and far below any that is measured.
    private const double RoundingShare = 1e-12;

    /// <summary>Arithmetic mean; of equal values exactly that value.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static double Mean(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            throw new ArgumentException("no values to average");
        }

        // Summing distances from the first keeps rounding from giving equal values a spread.
        var first = values.First();
        return first + (values.Sum(value => value - first) / values.Count);
    }

    /// <summary>Sample standard deviation (n − 1); null for fewer than two values.</summary>
    public static double? StandardDeviation(IReadOnlyCollection<double> values)
    {
        if (values.Count < 2)
        {
            return null;
        }

        var mean = Mean(values);
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
    }

    /// <summary>Quantile of Student's t distribution.</summary>
    public static double StudentQuantile(double probability, int degreesOfFreedom) => StudentT.InvCDF(0, 1, degreesOfFreedom, probability);

    /// <summary>
    /// Mean of the differences first − second with the interval of the paired t distribution (n − 1 degrees of freedom);
    /// null for fewer than two pairs, and where all differ alike, which tells nothing of the spread: an interval without width
    /// would claim certainty. Pairs of equal values have the interval 0.
    /// </summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static Interval? PairedInterval(IReadOnlyList<double> first, IReadOnlyList<double> second, double confidence = Confidence)
    {
        if (first.Count != second.Count)
        {
            throw new ArgumentException($"paired values must come in pairs: {first.Count} and {second.Count}");
        }

        if (first.Count < 2)
        {
            return null;
        }

        var differences = first.Zip(second, (a, b) => a - b).ToArray();
        var mean = Mean(differences);
        if (!HasSpread(first, second))
        {
            return Math.Abs(mean) <= Rounding(first, second) ? new Interval(0, 0, 0) : null;
        }

        var half = StudentQuantile((1 + confidence) / 2, differences.Length - 1) * StandardDeviation(differences)!.Value / Math.Sqrt(differences.Length);
        return new Interval(mean, mean - half, mean + half);
    }

    /// <summary>True where the differences of paired values spread by more than rounding does; never for fewer than two pairs.</summary>
    internal static bool HasSpread(IReadOnlyList<double> first, IReadOnlyList<double> second) =>
        StandardDeviation([.. first.Zip(second, (a, b) => a - b)]) is { } deviation && deviation > Rounding(first, second);

    /// <summary>
    /// Mean of per-sample values with the percentile interval of a bootstrap over samples. Where several seeds were run, give
    /// each sample's mean over seeds, so that a sample is drawn with all its seeds.
    /// </summary>
    /// <param name="perSample">One value a test sample, such as (arm right) − (plain right).</param>
    /// <param name="seed">Seed of the resampling: same seed, same interval.</param>
    /// <param name="resamples">How often samples are drawn.</param>
    /// <param name="confidence">Confidence of the interval.</param>
    public static Interval Bootstrap(IReadOnlyList<double> perSample, ulong seed = 0, int resamples = Resamples, double confidence = Confidence)
    {
        var samples = perSample.ToArray();
        return BootstrapOf(samples.Length, draw => draw(samples) / samples.Length, seed, resamples, confidence);
    }

    /// <summary>
    /// Ratio of the sums of two per-sample values with the percentile interval of a bootstrap over samples; resamples whose
    /// denominator is 0 or less count as the largest ratio, which widens the interval.
    /// </summary>
    public static Interval BootstrapRatio(IReadOnlyList<double> numerator, IReadOnlyList<double> denominator, ulong seed = 0, int resamples = Resamples, double confidence = Confidence)
    {
        var (above, below) = (numerator.ToArray(), denominator.ToArray());
        return above.Length == below.Length
            ? BootstrapOf(above.Length, draw => draw(below) is > 0 and var sum ? draw(above) / sum : double.PositiveInfinity, seed, resamples, confidence)
            : throw new ArgumentException($"a ratio needs both values of each sample: {above.Length} and {below.Length}");
    }

    /// <summary>Statistic of the sums that <c>draw</c> gives for one resample; the first evaluation is on the samples themselves.</summary>
    private static Interval BootstrapOf(int count, Func<Func<double[], double>, double> statistic, ulong seed, int resamples, double confidence)
    {
        if (count == 0)
        {
            throw new ArgumentException("no samples to draw from");
        }

        var estimate = statistic(values => values.Sum());
        var drawn = new int[count];
        var results = new double[resamples];
        var random = new StableRandom(seed);
        for (var r = 0; r < resamples; r++)
        {
            for (var i = 0; i < count; i++)
            {
                drawn[i] = (int)Math.BigMul(random.Next(), (ulong)count, out _);
            }

            results[r] = statistic(values => SumAt(values, drawn));
        }

        Array.Sort(results);
        return new Interval(estimate, Quantile(results, (1 - confidence) / 2), Quantile(results, (1 + confidence) / 2));
    }

    private static double Rounding(IReadOnlyList<double> first, IReadOnlyList<double> second) => RoundingShare * first.Concat(second).Max(value => Math.Abs(value));

    private static double SumAt(double[] values, int[] indices)
    {
        var sum = 0.0;
        foreach (var index in indices)
        {
            sum += values[index];
        }

        return sum;
    }

    internal static double Quantile(double[] sorted, double probability)
        => sorted[(int)Math.Round(probability * (sorted.Length - 1), MidpointRounding.AwayFromZero)];
}
