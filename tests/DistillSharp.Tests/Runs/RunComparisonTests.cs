using DistillSharp.Evaluation;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Runs;

public class RunComparisonTests
{
    private static RunResults Run(double shift, int[] seeds, string hash, params string[] arms)
        => Comparison.Build(
            [.. arms.SelectMany(arm => seeds.Select(seed => new JobResult { Arm = arm, Seed = seed, Metrics = { ["top1"] = 0.9 + (0.001 * seed) + (shift * (1 + (0.1 * seed))) } }))],
            [],
            [],
            "run",
            new ComparisonOptions { Data = new() { ["test SHA-256"] = hash } });

    [Fact]
    public void Of_SameData_PairsBySeed()
    {
        var comparison = RunComparison.Of([("a", Run(0, [0, 1, 2], "h", "plain", "kd")), ("b", Run(0.02, [1, 2, 3], "h", "plain"))]);
        var entry = comparison.Entries.Single(entry => entry is { Run: "b", Arm: "plain" });
        Assert.Equal([1, 2], entry.Seeds);
        var expected = Statistics.PairedInterval([0.022, 0.024], [0, 0])!.Value;
        Assert.Equal(expected.Low, entry.Interval!.Value.Low, 1e-9);
        Assert.Equal("gain", entry.Verdict);
        Assert.Contains(comparison.Warnings, warning => warning.StartsWith("plain has seeds 0, 1, 2 in a and 1, 2, 3 in b", StringComparison.Ordinal));
        Assert.Contains("b has no arm kd.", comparison.Warnings);
        Assert.Equal(["plain", "90.10 ± 0.10", "92.60 ± 0.30"], comparison.Table().Rows[0].Take(3));
        Assert.Equal(["kd", "90.10 ± 0.10", "–", "–", "not tested"], comparison.Table().Rows[1]);
    }

    [Fact]
    public void Of_OtherData_WarnsAndGivesNoVerdict()
    {
        var comparison = RunComparison.Of([("a", Run(0, [0, 1], "h", "plain")), ("a", Run(0.02, [0, 1], "g", "plain"))]);
        Assert.Equal(["a (1)", "a (2)"], comparison.Runs);
        Assert.Equal("test SHA-256 differs: a (1) has h, a (2) has g; no verdict is given.", Assert.Single(comparison.Warnings));
        Assert.All(comparison.Entries, entry => Assert.Equal("not tested", entry.Verdict));
    }

    [Theory]
    [InlineData(0.02, "not tested", "–")]
    [InlineData(0.0, "no difference", "0.00 [0.00 … 0.00]")]
    public void Of_SameDifferenceWithAllSeeds_IsNotTestedUnlessThereIsNone(double shift, string verdict, string cell)
    {
        RunResults Shifted(double by) => Comparison.Build(
            [.. new[] { 0, 1 }.Select(seed => new JobResult { Arm = "plain", Seed = seed, Metrics = { ["top1"] = 0.9 + (0.001 * seed) + by } })], [], [], "run");

        var comparison = RunComparison.Of([("a", Shifted(0)), ("b", Shifted(shift))]);

        Assert.Equal(verdict, comparison.Entries.Single(entry => entry.Run == "b").Verdict);
        Assert.Equal(cell, comparison.Table().Rows[0][3]);
    }

    [Fact]
    public void Of_Counterparts_AreComparedUnderTheFirstRunsName()
    {
        var runs = new[] { ("a", Run(0, [0, 1, 2], "h", "plain", "logits")), ("b", Run(0.02, [0, 1, 2], "h", "plain", "probabilities")) };
        var comparison = RunComparison.Of(runs, counterparts: new Dictionary<string, string> { ["probabilities"] = "logits" });
        Assert.Equal(["plain", "logits"], comparison.Arms);
        Assert.Equal("logits of b is its arm probabilities.", Assert.Single(comparison.Warnings));
        Assert.Equal(0.022, comparison.Entries.Single(entry => entry is { Run: "b", Arm: "logits" }).Interval!.Value.Value, 1e-9);

        foreach (var (arm, counterpart, message) in new[] { ("probabilities", "logit", "has no arm logit"), ("probability", "logits", "has an arm probability"), ("probabilities", "plain", "has both plain and probabilities") })
        {
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => RunComparison.Of(runs, counterparts: new Dictionary<string, string> { [arm] = counterpart })).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Of_SwappedNames_AreRenamedAtOnce()
    {
        var (first, second) = (Run(0, [0, 1], "h", "one", "two"), Run(0.02, [0, 1], "h", "one"));
        var swapped = second with { Arms = [second.Arms[0], second.Arms[0] with { Name = "two", Metrics = first.Arms[0].Metrics }] };
        var comparison = RunComparison.Of([("a", first), ("b", swapped)], counterparts: new Dictionary<string, string> { ["one"] = "two", ["two"] = "one" });
        Assert.Equal([0, 0.021], comparison.Entries.Where(entry => entry.Run == "b").OrderBy(entry => entry.Arm).Select(entry => Math.Round(entry.Interval!.Value.Value, 9)));
    }

    [Fact]
    public void Load_Directories_ReadsThem()
    {
        using var folder = new TemporaryFolder();
        Run(0, [0, 1], "h", "plain").Save(folder.File("first/results.json"));
        Run(0.1, [0, 1], "h", "plain").Save(folder.File("second/results.json"));
        Assert.Equal(["first", "second"], RunComparison.Load([folder.File("first"), folder.File("second/")]).Runs);
        Assert.Contains("no results.json", Assert.Throws<FileNotFoundException>(() => RunComparison.Load([folder.Path])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RunComparison.Load([]));
    }
}
