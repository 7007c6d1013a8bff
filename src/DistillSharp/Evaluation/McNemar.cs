using MathNet.Numerics;
using MathNet.Numerics.Distributions;

namespace DistillSharp.Evaluation;

/// <summary>McNemar's test of two classifiers on the same samples (McNemar, Psychometrika 1947).</summary>
/// <param name="OnlyFirstRight">Samples that only the first classifier has right.</param>
/// <param name="OnlySecondRight">Samples that only the second has right.</param>
/// <param name="PValue">Two-sided probability of a split at least this uneven if both were equally good.</param>
/// <param name="Exact">True for the binomial test, false for the χ² test with continuity correction.</param>
public sealed record McNemar(int OnlyFirstRight, int OnlySecondRight, double PValue, bool Exact)
{
    /// <summary>Up to this many discordant samples the binomial distribution is summed.</summary>
    public const int ExactLimit = 100;

    /// <summary>Test of two rows of predictions against labels.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static McNemar Test(IReadOnlyList<int> first, IReadOnlyList<int> second, IReadOnlyList<int> labels)
    {
        if (first.Count != labels.Count || second.Count != labels.Count)
        {
            throw new ArgumentException($"predictions on {first.Count} and {second.Count} samples cannot be compared on {labels.Count} labels");
        }

        var (onlyFirst, onlySecond) = (0, 0);
        for (var i = 0; i < labels.Count; i++)
        {
            var (a, b) = (first[i] == labels[i], second[i] == labels[i]);
            onlyFirst += a && !b ? 1 : 0;
            onlySecond += b && !a ? 1 : 0;
        }

        return FromCounts(onlyFirst, onlySecond);
    }

    /// <summary>Test of the two counts of discordant samples.</summary>
    public static McNemar FromCounts(int onlyFirstRight, int onlySecondRight)
    {
        var discordant = onlyFirstRight + onlySecondRight;
        if (discordant == 0)
        {
            return new McNemar(0, 0, 1, true);
        }

        if (discordant <= ExactLimit)
        {
            return new McNemar(onlyFirstRight, onlySecondRight, Math.Min(1, 2 * Binomial.CDF(0.5, discordant, Math.Min(onlyFirstRight, onlySecondRight))), true);
        }

        var distance = Math.Max(0, Math.Abs(onlyFirstRight - onlySecondRight) - 1);
        return new McNemar(onlyFirstRight, onlySecondRight, SpecialFunctions.Erfc(Math.Sqrt(distance * (double)distance / discordant / 2)), false);
    }

    /// <summary>
    /// The counts of several seeds added up. The same test samples come back with each seed, so the samples are not independent
    /// and the p value is too small; the bootstrap over samples does not have this fault.
    /// </summary>
    public static McNemar Pool(IEnumerable<McNemar> perSeed)
    {
        var (onlyFirst, onlySecond) = perSeed.Aggregate((0, 0), (sum, test) => (sum.Item1 + test.OnlyFirstRight, sum.Item2 + test.OnlySecondRight));
        return FromCounts(onlyFirst, onlySecond);
    }
}
