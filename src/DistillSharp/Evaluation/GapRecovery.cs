namespace DistillSharp.Evaluation;

/// <summary>
/// Share of the gap between the plain student and the teacher that distillation closes: (distilled − plain) / (teacher − plain)
/// on means over seeds. Null where it is undefined, with the reason.
/// </summary>
/// <param name="Value">The share: 0 is plain, 1 is the teacher.</param>
/// <param name="Low">Lower end of the 95 % interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="Reason">Why the value or its interval is missing; null where nothing is.</param>
public sealed record GapRecovery(double? Value, double? Low, double? High, string? Reason)
{
    /// <summary>
    /// Gap recovery from values paired by seed, with Fieller's interval (Fieller, JRSS B 1954). The delta method would take the
    /// denominator as nearly certain; with three seeds it is not. Fieller's set is an interval exactly where the paired t interval
    /// of teacher − plain leaves 0 out, which is the condition for the value to be defined at all. Where all seeds differ alike
    /// there is no such interval: of the teacher, and the value is not defined; of the distilled student, and it has no interval.
    /// </summary>
    /// <param name="distilled">Metric of the distilled student by seed.</param>
    /// <param name="plain">The plain student's, same seeds.</param>
    /// <param name="teacher">The teacher's, same seeds (repeated where one teacher serves all).</param>
    /// <param name="higherIsBetter">False for errors and losses.</param>
    public static GapRecovery FromSeeds(IReadOnlyList<double> distilled, IReadOnlyList<double> plain, IReadOnlyList<double> teacher, bool higherIsBetter = true)
    {
        var sign = higherIsBetter ? 1 : -1;
        var gains = distilled.Zip(plain, (a, b) => sign * (a - b)).ToArray();
        var gaps = teacher.Zip(plain, (a, b) => sign * (a - b)).ToArray();
        if (gains.Length < 2 || gaps.Length != gains.Length)
        {
            return new GapRecovery(null, null, null, "fewer than two seeds in common");
        }

        var (gain, gap) = (Statistics.Mean(gains), Statistics.Mean(gaps));
        if (gap != 0 && !Statistics.HasSpread(teacher, plain))
        {
            return new GapRecovery(null, null, null, "teacher − plain is the same in all seeds, which tells nothing of its spread");
        }

        var quantile = Statistics.StudentQuantile((1 + Statistics.Confidence) / 2, gains.Length - 1);
        var scale = quantile * quantile / gains.Length;
        var a = (gap * gap) - (scale * Covariance(gaps, gaps));
        if (a <= 0 || gap == 0)
        {
            return new GapRecovery(null, null, null, "the interval of teacher − plain holds 0");
        }

        if (gap < 0)
        {
            return new GapRecovery(null, null, null, "the teacher is worse than the plain student");
        }

        if (!Statistics.HasSpread(distilled, plain))
        {
            return new GapRecovery(gain / gap, null, null, "no interval: the difference to plain is the same in all seeds, which tells nothing of its spread");
        }

        var b = (gain * gap) - (scale * Covariance(gains, gaps));
        var c = (gain * gain) - (scale * Covariance(gains, gains));
        var root = Math.Sqrt(Math.Max(0, (b * b) - (a * c)));
        return new GapRecovery(gain / gap, (b - root) / a, (b + root) / a, null);
    }

    /// <summary>
    /// Gap recovery from per-sample correctness (0 or 1, or its mean over seeds), with a bootstrap interval over test samples: it
    /// covers the choice of test samples only, not what another seed would have given.
    /// </summary>
    public static GapRecovery FromSamples(IReadOnlyList<double> distilled, IReadOnlyList<double> plain, IReadOnlyList<double> teacher, ulong seed = 0)
    {
        var gains = distilled.Zip(plain, (a, b) => a - b).ToArray();
        var gaps = teacher.Zip(plain, (a, b) => a - b).ToArray();
        var gap = Statistics.Bootstrap(gaps, seed);
        if (gap.HoldsZero)
        {
            return new GapRecovery(null, null, null, "the interval of teacher − plain over test samples holds 0");
        }

        if (gap.Value < 0)
        {
            return new GapRecovery(null, null, null, "the teacher is worse than the plain student");
        }

        var ratio = Statistics.BootstrapRatio(gains, gaps, seed);
        return double.IsFinite(ratio.High)
            ? new GapRecovery(ratio.Value, ratio.Low, ratio.High, "the interval is over test samples only")
            : new GapRecovery(ratio.Value, null, null, "the gap is too small for an interval over test samples");
    }

    private static double Covariance(double[] first, double[] second)
    {
        var (meanFirst, meanSecond) = (Statistics.Mean(first), Statistics.Mean(second));
        return first.Zip(second, (x, y) => (x - meanFirst) * (y - meanSecond)).Sum() / (first.Length - 1);
    }
}
