using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class CorpusComparisonTests
{
    private static readonly string[] s_references = [.. Enumerable.Range(0, 40).Select(i => $"sentence number {i} says that word {i * 7} follows word {i * 3} here")];

    [Fact]
    public void Of_SystemAgainstItself_IsNoDifference()
    {
        var comparison = Compare(s_references, s_references);
        Assert.Equal((100, 100), (Math.Round(comparison.First, 9), Math.Round(comparison.Second, 9)));
        Assert.Equal((0, 0, 0), (comparison.Difference.Value, comparison.Difference.Low, comparison.Difference.High));
        Assert.Equal(1, comparison.PValue);
    }

    [Fact]
    public void Of_ClearlyBetterSystem_HasAnIntervalAboveZero()
    {
        var worse = s_references.Select(line => line.Replace("says that", "tells", StringComparison.Ordinal)).ToArray();
        var comparison = Compare(s_references, worse);
        Assert.True(comparison.Difference.Low > 0);
        Assert.InRange(comparison.Difference.Value, comparison.Difference.Low, comparison.Difference.High);
        Assert.Equal(1.0 / 501, comparison.PValue, 1e-12);
    }

    private static CorpusComparison Compare(string[] first, string[] second) =>
        CorpusComparison.Of(new Bleu(), first, second, [.. s_references.Select(reference => new[] { reference })], seed: 1, resamples: 500);
}
