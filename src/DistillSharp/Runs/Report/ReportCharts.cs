using System.Text;
using DistillSharp.Evaluation;

namespace DistillSharp.Runs.Report;

/// <summary>Chooses what the report draws.</summary>
internal static class ReportCharts
{
    private const int MostClasses = 24;

    /// <summary>Differences of the primary metric with intervals: against plain, and against label smoothing where there is such an arm.</summary>
    public static string Differences(RunResults results, MetricCatalog catalog)
    {
        var metric = catalog.Describe(results.PrimaryMetric);
        var html = new StringBuilder();
        foreach (var reference in new[] { ArmNames.Plain, ArmNames.LabelSmoothing, ArmNames.PlainMatched })
        {
            var rows = results.Differences.Where(difference => difference.Metric == results.PrimaryMetric && difference.Against == reference)
                .Select(difference => new IntervalRow(difference.Arm, Text(metric, difference), difference.Value, difference.Low, difference.High, difference.Verdict)).ToArray();
            html.Append(IntervalChart.Draw($"{metric.Heading.TrimEnd('%', ' ')} against {reference}", rows, Factor(metric), metric.Unit == MetricUnit.Share ? "percentage points, 95 % interval" : "95 % interval"));
        }

        return html.ToString();
    }

    /// <summary>Gap recovery between plain (0 %) and teacher (100 %).</summary>
    public static string GapRecovery(RunResults results)
    {
        var rows = results.GapRecovery.Select(entry => new IntervalRow(entry.Key, Text(entry.Value), entry.Value.Value, entry.Value.Low, entry.Value.High, entry.Value.Low > 0 ? Verdicts.Gain : entry.Value.High < 0 ? Verdicts.Loss : "")).ToArray();
        return IntervalChart.Draw("Gap to the teacher that is recovered", rows, 100, "% of the gap, 95 % interval", [(0, "plain"), (1, "teacher")], (-1.5, 2.5));
    }

    /// <summary>Validation metrics of all arms, then the loss of each arm by term.</summary>
    public static string Training(ReportContent content)
    {
        var curves = TrainingCurves.From(content.Events);
        var arms = content.Results.Arms.Select(arm => arm.Name).Concat(curves.Select(curve => curve.Arm)).Distinct().ToArray();
        var html = new StringBuilder();
        foreach (var key in new[] { content.Results.PrimaryMetric, "nll" }.Distinct())
        {
            var metric = content.Metrics.Describe(key);
            var lines = arms.Select((arm, i) => Line(curves, arm, $"validation/{key}", arm, i)).ToArray();
            html.Append(LineChart.Draw($"{metric.Heading} on validation data", lines, Factor(metric)));
        }

        foreach (var arm in arms)
        {
            var terms = curves.Where(curve => curve.Arm == arm && curve.Key.StartsWith("loss/", StringComparison.Ordinal)).Select(curve => curve.Key).Distinct().ToArray();
            // With a single term the total says the same.
            var shown = terms.Length == 2 ? terms[1..] : terms;
            html.Append(LineChart.Draw($"{arm}: training loss", [.. shown.Select((term, i) => Line(curves, arm, term, term["loss/".Length..], term == "loss/total" ? 0 : i + (shown[0] == "loss/total" ? 0 : 1)))]));
        }

        return html.ToString();
    }

    /// <summary>Accuracy change by class for each arm; of many classes only those that change most.</summary>
    public static string Classes(RunResults results)
    {
        var html = new StringBuilder();
        foreach (var (arm, changes) in results.PerClassChange)
        {
            var many = changes.Count > MostClasses;
            var shown = many ? changes.OrderBy(change => change.Value).Where((_, i) => i < MostClasses / 2 || i >= changes.Count - (MostClasses / 2)) : changes;
            var metric = MetricCatalog.Default().Describe("top1");
            var rows = shown.Select(change => new IntervalRow(change.Class, MetricFormat.Difference(metric, change.Value), change.Value, change.Low, change.High, change.Low > 0 ? Verdicts.Gain : change.High < 0 ? Verdicts.Loss : "")).ToArray();
            html.Append(IntervalChart.Draw(many ? $"{arm}: the {MostClasses} of {changes.Count} classes that change most" : arm, rows, 100, "percentage points", limits: (-0.5, 0.5), compact: true));
        }

        return html.ToString();
    }

    private static double Factor(MetricEntry metric) => metric.Unit == MetricUnit.Share ? 100 : 1;

    private static ChartLine Line(IReadOnlyList<Curve> curves, string arm, string key, string name, int color)
        => new(name, color, [.. curves.Where(curve => curve.Arm == arm && curve.Key == key).Select(curve => curve.Points)]);

    private static string Text(MetricEntry metric, Difference difference) => difference.Low is null
        ? $"{MetricFormat.Difference(metric, difference.Value)} (no interval)"
        : $"{MetricFormat.Difference(metric, difference.Value)} [{MetricFormat.Difference(metric, difference.Low)} … {MetricFormat.Difference(metric, difference.High)}]";

    private static string Text(Evaluation.GapRecovery recovery) => recovery switch
    {
        { Value: null } => "undefined",
        { Value: { } value, Low: { } low, High: { } high } => $"{MetricFormat.WholePercent(value)} [{MetricFormat.WholePercent(low)} … {MetricFormat.WholePercent(high)}]",
        { Value: { } value } => MetricFormat.WholePercent(value),
    };
}
