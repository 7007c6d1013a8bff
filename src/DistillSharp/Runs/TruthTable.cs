using System.Text;
using DistillSharp.Evaluation;

namespace DistillSharp.Runs;

/// <summary>A column of a table.</summary>
/// <param name="Heading">Head, with the unit.</param>
/// <param name="IsText">True for words (aligned left), false for figures.</param>
public sealed record TableColumn(string Heading, bool IsText = false);

/// <summary>A table as plain words, for the console, HTML and Markdown alike.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Columns">Columns from left to right.</param>
/// <param name="Rows">Rows of as many cells as there are columns.</param>
public sealed record TruthTable(string Title, IReadOnlyList<TableColumn> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    private static readonly HashSet<string> s_costs = ["parameters", "macs", "bytes", "latency_ms", "cpu_seconds", "teacher_cpu_seconds", "chain_cpu_seconds", "peak_mb"];

    /// <summary>What each arm reached: every metric that is not a cost, mean ± sd over seeds, and the gap that was recovered.</summary>
    public static TruthTable Quality(RunResults results, MetricCatalog? catalog = null)
    {
        catalog ??= MetricCatalog.Default();
        var metrics = Metrics(results, catalog).Where(metric => !s_costs.Contains(metric.Key)).ToArray();
        var recovered = results.GapRecovery.Values.Any(recovery => recovery.Value is not null);
        var compared = results.Differences.Any(difference => difference.Against == ArmNames.Plain);
        List<TableColumn> columns = [new("arm", IsText: true), new("seeds"), .. metrics.Select(metric => new TableColumn(metric.Heading))];
        var rows = results.Arms.Select(arm => ArmCells(arm, metrics)).ToArray();
        if (compared)
        {
            columns.Insert(2, new TableColumn("against plain"));
        }

        if (recovered)
        {
            columns.Add(new TableColumn("gap recovered"));
        }

        foreach (var row in rows)
        {
            var arm = row[0];
            if (compared)
            {
                row.Insert(2, results.Difference(arm, ArmNames.Plain) is { } difference ? $"{difference.Verdict} {MetricFormat.Difference(catalog.Describe(difference.Metric), difference.Value)}" : MetricFormat.Missing);
            }

            if (recovered)
            {
                row.Add(Recovered(results, arm));
            }
        }

        return new TruthTable("Test split" + OverSeeds(results), columns, rows);
    }

    /// <summary>What each arm costs: size, latency, processor time, memory.</summary>
    public static TruthTable Cost(RunResults results, MetricCatalog? catalog = null)
    {
        catalog ??= MetricCatalog.Default();
        var metrics = Metrics(results, catalog).Where(metric => s_costs.Contains(metric.Key)).ToArray();
        return new TruthTable(
            "Cost" + OverSeeds(results),
            [new("arm", IsText: true), new("seeds"), .. metrics.Select(metric => new TableColumn(metric.Heading))],
            [.. results.Arms.Select(arm => (IReadOnlyList<string>)ArmCells(arm, metrics))]);
    }

    /// <summary>Every difference with its interval, verdict and McNemar's test.</summary>
    public static TruthTable Differences(RunResults results, MetricCatalog? catalog = null)
    {
        catalog ??= MetricCatalog.Default();
        var bootstrapped = results.Differences.Any(IsBootstrapped);
        return new TruthTable(
            "Differences, paired by seed",
            [
                new("arm", IsText: true), new("against", IsText: true), new("metric", IsText: true), new("seeds"), new("difference"), new("95 % interval"), new("verdict", IsText: true), new("McNemar p"),
                .. bootstrapped ? new[] { new TableColumn("paired bootstrap") } : [],
            ],
            [.. results.Differences.Select(difference =>
            {
                var metric = catalog.Describe(difference.Metric);
                return (IReadOnlyList<string>)
                [
                    difference.Arm,
                    difference.Against,
                    metric.Unit == MetricUnit.Share ? metric.Heading.Replace("%", "points", StringComparison.Ordinal) : metric.Heading,
                    $"{difference.Seeds.Length}",
                    MetricFormat.Difference(metric, difference.Value),
                    difference.Low is null ? MetricFormat.Missing : $"{MetricFormat.Difference(metric, difference.Low)} … {MetricFormat.Difference(metric, difference.High)}",
                    difference.Verdict,
                    difference.McNemarPooled is { } test ? MetricFormat.PValue(test.PValue) : MetricFormat.Missing,
                    .. !bootstrapped ? [] : new[] { IsBootstrapped(difference) ? $"{MetricFormat.Difference(metric, difference.SampleInterval![0])} … {MetricFormat.Difference(metric, difference.SampleInterval[1])}" : MetricFormat.Missing },
                ];
            })]);

        // Where classes are predicted, McNemar's test says the same.
        static bool IsBootstrapped(Difference difference) => difference is { SampleInterval: not null, McNemarPooled: null };
    }

    /// <summary>Rows for columns: arms side by side, one line a metric, which fits narrow terminals.</summary>
    public TruthTable Transposed() => new(
        Title,
        [new TableColumn(Columns[0].Heading, IsText: true), .. Rows.Select(row => new TableColumn(row[0]))],
        [.. Enumerable.Range(1, Columns.Count - 1).Select(column => (IReadOnlyList<string>)[Columns[column].Heading, .. Rows.Select(row => row[column])])]);

    /// <summary>Aligned plain text with a rule below the heads; lines end with \n.</summary>
    public string ToText()
    {
        var widths = Columns.Select((column, i) => Rows.Select(row => row[i].Length).Append(column.Heading.Length).Max()).ToArray();
        var text = new StringBuilder();
        AppendLine(text, Columns.Select(column => column.Heading), widths);
        AppendLine(text, widths.Select(width => new string('─', width)), widths);
        foreach (var row in Rows)
        {
            AppendLine(text, row, widths);
        }

        return text.ToString();
    }

    /// <summary>A Markdown table.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append("| ").AppendJoin(" | ", Columns.Select(column => Escape(column.Heading))).Append(" |\n");
        text.Append("| ").AppendJoin(" | ", Columns.Select(column => column.IsText ? "---" : "---:")).Append(" |\n");
        foreach (var row in Rows)
        {
            text.Append("| ").AppendJoin(" | ", row.Select(Escape)).Append(" |\n");
        }

        return text.ToString();

        static string Escape(string cell) => cell.Replace("|", "\\|", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal);
    }

    private void AppendLine(StringBuilder text, IEnumerable<string> cells, int[] widths)
        => text.Append(string.Join("  ", cells.Select((cell, i) => Columns[i].IsText ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd()).Append('\n');

    private static string OverSeeds(RunResults results) => results.Arms.All(arm => arm.Seeds.Length == 1) ? ", one seed" : ", mean ± sd over seeds";

    /// <summary>Metrics that some arm has, in the catalog's order, unknown ones last.</summary>
    private static IEnumerable<MetricEntry> Metrics(RunResults results, MetricCatalog catalog)
    {
        var present = results.Arms.SelectMany(arm => arm.Metrics.Keys).Distinct().ToList();
        return catalog.Entries.Where(metric => present.Remove(metric.Key)).ToArray().Concat(present.Select(catalog.Describe));
    }

    private static List<string> ArmCells(ArmResults arm, MetricEntry[] metrics)
        => [arm.Name, $"{arm.Seeds.Length}", .. metrics.Select(metric => arm.Metrics.TryGetValue(metric.Key, out var summary) ? MetricFormat.Value(metric, summary.Mean, summary.Sd) : MetricFormat.Missing)];

    private static string Recovered(RunResults results, string arm)
        => results.GapRecovery.TryGetValue(arm, out var recovery) && recovery.Value is { } value ? MetricFormat.WholePercent(value) : MetricFormat.Missing;
}
