using DistillSharp.Runs;
using DistillSharp.Runs.Report;

namespace DistillSharp.Tests.Runs;

public class TruthTableTests
{
    private static readonly RunResults s_results = Comparison.Build(
        [Job("plain", 0, 0.90, 0.31), Job("plain", 1, 0.91, 0.30), Job("plain", 2, 0.90, 0.32), Job("kd", 0, 0.92, 0.30), Job("kd", 1, 0.94, 0.29), Job("kd", 2, 0.93, 0.31), Job("teacher", 0, 0.96, 0.2), Job("teacher", 1, 0.96, 0.2), Job("teacher", 2, 0.97, 0.2)],
        [],
        [],
        "sample",
        new ComparisonOptions { Command = "distill run sample.yaml", Machine = "two cores", Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), Seconds = 61, PlannedJobs = ["kd/seed-3"], Notes = ["a | b"] });

    private static JobResult Job(string arm, int seed, double top1, double nll)
        => new() { Arm = arm, Seed = seed, Metrics = { ["nll"] = nll, ["top1"] = top1, ["parameters"] = 1234, ["own_metric"] = 2 } };

    [Fact]
    public void Quality_ToText_IsAlignedWithVerdictAndGap()
    {
        const string Expected = """
            arm      seeds  against plain       top-1 %              NLL  own_metric  gap recovered
            ───────  ─────  ─────────────  ────────────  ───────────────  ──────────  ─────────────
            teacher      3              –  96.33 ± 0.58           0.2000           2              –
            plain        3              –  90.33 ± 0.58  0.3100 ± 0.0100           2              –
            kd           3     gain +2.67  93.00 ± 1.00  0.3000 ± 0.0100           2           44 %

            """;
        Assert.Equal(Expected, TruthTable.Quality(s_results).ToText());
    }

    [Fact]
    public void Transposed_Quality_HasArmsAsColumns()
    {
        var table = TruthTable.Quality(s_results).Transposed();
        Assert.Equal(["arm", "teacher", "plain", "kd"], table.Columns.Select(column => column.Heading));
        Assert.Contains(table.Rows, row => row.SequenceEqual(["top-1 %", "96.33 ± 0.58", "90.33 ± 0.58", "93.00 ± 1.00"]));
    }

    [Fact]
    public void Cost_HoldsCostsAlone()
    {
        var table = TruthTable.Cost(s_results);
        Assert.Equal(["arm", "seeds", "parameters"], table.Columns.Select(column => column.Heading));
        Assert.Equal("1.23 k", table.Rows[0][2]);
    }

    [Fact]
    public void Differences_OneRowAComparison()
    {
        var rows = TruthTable.Differences(s_results).Rows;
        Assert.Equal(2, rows.Count);
        Assert.Equal(["kd", "plain", "top-1 points", "3", "+2.67", "+1.23 … +4.10", "gain", "–"], rows[0]);
    }

    [Fact]
    public void Empty_Run_StillRenders()
    {
        var empty = Comparison.Build([], [], [], "empty");
        Assert.StartsWith("arm  seeds\n", TruthTable.Quality(empty).ToText(), StringComparison.Ordinal);
        Assert.Equal("No distilled student can be compared with a plain one yet.", VerdictText.Headline(empty));
        Assert.Empty(VerdictText.Findings(empty));
    }

    [Fact]
    public void Findings_ThreeSeeds_SayIntervalAndGap()
    {
        var finding = Assert.Single(VerdictText.Findings(s_results));
        Assert.Equal(("kd", "gain"), (finding.Arm, finding.Verdict));
        Assert.StartsWith("Against plain: gain; top-1 +2.67 points, 95 % interval +1.23 … +4.10 (3 seeds, paired t). It recovers 44 % of the gap to the teacher (95 % interval ", finding.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { 0.92, 0.94, 0.93 }, new[] { 0.905, 0.91, 0.905 }, "Distillation gains over plain training: kd, and more than label smoothing does.")]
    [InlineData(new[] { 0.92, 0.94, 0.93 }, new[] { 0.93, 0.93, 0.93 }, "Distillation gains over plain training: kd, but not beyond label smoothing.")]
    [InlineData(new[] { 0.89, 0.92, 0.90 }, new[] { 0.93, 0.93, 0.93 }, "No gain from distillation: the difference to plain training is within the noise.")]
    [InlineData(new[] { 0.80, 0.82, 0.80 }, new[] { 0.93, 0.93, 0.93 }, "No gain from distillation; kd is worse than plain training.")]
    public void Headline_SaysWhatTheIntervalsSay(double[] distilled, double[] smoothed, string expected)
    {
        double[] plain = [0.90, 0.91, 0.90];
        var jobs = Enumerable.Range(0, 3).SelectMany(seed => new[] { Job("plain", seed, plain[seed], 1), Job("label_smoothing", seed, smoothed[seed], 1), Job("kd", seed, distilled[seed], 1) });
        Assert.Equal(expected, VerdictText.Headline(Comparison.Build([.. jobs], [], [], "sample")));
    }

    [Fact]
    public void Headline_OfAControl_LeavesItOut()
    {
        double[] plain = [0.90, 0.91, 0.90], better = [0.92, 0.94, 0.93];
        var jobs = Enumerable.Range(0, 3).SelectMany(seed => new[]
        {
            Job("plain", seed, plain[seed], 1), Job("plain_jitter", seed, better[seed], 1) with { IsControl = true }, Job("kd", seed, better[seed] + 0.01, 1),
        }).ToList();

        var both = Comparison.Build(jobs, [], [], "sample");
        Assert.Equal("Distillation gains over plain training: kd.", VerdictText.Headline(both));
        Assert.Equal(["plain_jitter", "kd"], VerdictText.Findings(both).Select(finding => finding.Arm));
        var alone = Comparison.Build([.. jobs.Where(job => job.Arm != "kd")], [], [], "sample");
        Assert.Equal("No distilled student can be compared with a plain one yet.", VerdictText.Headline(alone));
        var page = HtmlReport.Render(new ReportContent { Results = alone });
        Assert.Contains("<p class=\"headline even\">No distilled student", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Markdown_Benchmark_HoldsTablesNotesAndCommand()
    {
        var text = BenchmarkResults.ToMarkdown(s_results);
        Assert.Contains("| kd | 3 | gain +2.67 | 93.00 ± 1.00 |", text, StringComparison.Ordinal);
        Assert.Contains("- Not finished: kd/seed-3.", text, StringComparison.Ordinal);
        Assert.EndsWith("`distill run sample.yaml` · 2026-01-02 03:04 UTC, 61 s · two cores\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_Benchmark_LeavesLabelsOutAndWantsACommand()
    {
        using var folder = new TemporaryFolder();
        var labels = SampleRuns.Labels(40);
        var results = Comparison.Build(SampleRuns.Jobs(labels, 0, 1), labels, SampleRuns.Classes, "digits", new ComparisonOptions { Command = "x" });
        var path = BenchmarkResults.Save(folder.Path, results);
        Assert.Equal(folder.File("digits.json"), path);
        var text = File.ReadAllText(path);
        Assert.DoesNotContain("\"labels\"", text, StringComparison.Ordinal);
        Assert.All(["name", "command", "commit", "machine", "started", "seconds", "arms", "gap_recovery", "notes", "seeds", "mean", "sd", "values", "low", "high"], key => Assert.Contains($"\"{key}\":", text, StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => BenchmarkResults.Save(folder.Path, results with { Command = " " }));
    }
}
