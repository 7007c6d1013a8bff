using DistillSharp.Evaluation;

namespace DistillSharp.Runs;

/// <summary>One finding in words.</summary>
/// <param name="Arm">The arm it is about.</param>
/// <param name="Verdict"><c>gain</c>, <c>loss</c>, <c>no difference</c> or <c>not tested</c>.</param>
/// <param name="Text">One or more whole sentences.</param>
public sealed record Finding(string Arm, string Verdict, string Text);

/// <summary>Says in words what the figures of a run mean.</summary>
public static class VerdictText
{
    /// <summary>The run in one sentence: what distillation gained over plain training, or that it did not.</summary>
    public static string Headline(RunResults results)
    {
        var against = results.Differences.Where(difference => difference.Metric == results.PrimaryMetric && difference.Against == ArmNames.Plain && results.IsDistilled(difference.Arm)).ToArray();
        if (against.Length == 0)
        {
            return "No distilled student can be compared with a plain one yet.";
        }

        var gained = against.Where(difference => difference.Verdict == Verdicts.Gain).Select(difference => difference.Arm).ToArray();
        var beyond = gained.Where(arm => results.Difference(arm, ArmNames.LabelSmoothing) is { Verdict: Verdicts.Gain }).ToArray();
        if (gained.Length > 0)
        {
            var smoothing = results.Arm(ArmNames.LabelSmoothing) is null ? "" : beyond.Length == gained.Length ? ", and more than label smoothing does" : beyond.Length == 0 ? ", but not beyond label smoothing" : $"; beyond label smoothing only {List(beyond)}";
            return $"Distillation gains over plain training: {List(gained)}{smoothing}.";
        }

        var lost = against.Where(difference => difference.Verdict == Verdicts.Loss).Select(difference => difference.Arm).ToArray();
        return lost.Length > 0
            ? $"No gain from distillation; {List(lost)} {(lost.Length == 1 ? "is" : "are")} worse than plain training."
            : against.All(difference => difference.Verdict == Verdicts.NotTested)
                ? "Too little has run to tell whether distillation gains anything."
                : "No gain from distillation: the difference to plain training is within the noise.";
    }

    /// <summary>A finding for each arm that was compared: against plain, against label smoothing and equal compute, gap recovery, negative flips.</summary>
    public static IReadOnlyList<Finding> Findings(RunResults results, MetricCatalog? catalog = null)
    {
        catalog ??= MetricCatalog.Default();
        var findings = new List<Finding>();
        foreach (var arm in results.Arms.Select(arm => arm.Name))
        {
            if (results.Difference(arm, ArmNames.Plain) is { } plain)
            {
                string?[] sentences = [Sentence(plain, catalog), Sentence(results.Difference(arm, ArmNames.LabelSmoothing), catalog), Sentence(results.Difference(arm, ArmNames.PlainMatched), catalog), Recovery(results.GapRecovery.GetValueOrDefault(arm)), FlipText(results.NegativeFlips.GetValueOrDefault(arm))];
                findings.Add(new Finding(arm, plain.Verdict, string.Join(" ", sentences.Where(sentence => sentence is not null))));
            }
        }

        return findings;
    }

    private static string? Sentence(Difference? difference, MetricCatalog catalog)
    {
        if (difference is null)
        {
            return null;
        }

        var metric = catalog.Describe(difference.Metric);
        var heading = metric.Heading.TrimEnd('%', ' ');
        var unit = MetricFormat.DifferenceUnit(metric);
        var text = $"Against {difference.Against}: {difference.Verdict}; {heading} {MetricFormat.Difference(metric, difference.Value)}{unit}";
        if (difference.Low is not null)
        {
            var origin = difference.Method.StartsWith("paired", StringComparison.Ordinal) ? $"{difference.Seeds.Length} seeds, paired t"
                : $"{(difference.Seeds.Length == 1 ? "one seed" : $"the same with all {difference.Seeds.Length} seeds")}, bootstrap over test samples";
            text += $", 95 % interval {MetricFormat.Difference(metric, difference.Low)} … {MetricFormat.Difference(metric, difference.High)} ({origin})";
        }
        else if (difference.Seeds.Length > 1)
        {
            text += $" with each of {difference.Seeds.Length} seeds, which tells nothing of their spread";
        }

        if (difference is { SampleInterval: [var low, var high], McNemarPooled: null } && difference.Method.StartsWith("paired", StringComparison.Ordinal))
        {
            text += $"; paired bootstrap over test samples {MetricFormat.Difference(metric, low)} … {MetricFormat.Difference(metric, high)}";
        }

        return difference.McNemarPooled is { } test
            ? $"{text}; McNemar {(difference.McNemar.Length == 1 ? "" : "pooled over seeds ")}{test.OnlyFirstRight} : {test.OnlySecondRight}, p {(test.PValue < 0.001 ? "" : "= ")}{MetricFormat.PValue(test.PValue)}."
            : text + ".";
    }

    private static string? Recovery(GapRecovery? recovery) => recovery switch
    {
        null => null,
        { Value: null } => $"Gap recovery is undefined: {recovery.Reason}.",
        { Value: { } value, Low: { } low, High: { } high } => $"It recovers {MetricFormat.WholePercent(value)} of the gap to the teacher (95 % interval {MetricFormat.WholePercent(low)} … {MetricFormat.WholePercent(high)}{(recovery.Reason is null ? "" : ", over test samples only")}).",
        { Value: { } value } => $"It recovers {MetricFormat.WholePercent(value)} of the gap to the teacher ({recovery.Reason}).",
    };

    private static string? FlipText(IReadOnlyList<Flips>? flips)
        => flips is null or [] ? null : $"Negative flips (plain right, this one wrong): {string.Join(", ", flips.Select(flip => flip.Count))}{(flips.Count > 1 ? " by seed" : "")}, {MetricFormat.Value(MetricCatalog.Default().Describe("negative_flips"), flips.Average(flip => flip.Share))} % of the test samples.";

    private static string List(string[] names) => names.Length <= 1 ? string.Concat(names) : string.Join(", ", names[..^1]) + " and " + names[^1];
}
