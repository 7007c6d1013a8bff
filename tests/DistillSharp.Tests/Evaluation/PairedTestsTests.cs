using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public class PairedTestsTests
{
    // Errors and words of ten utterances; a rate is total errors over total words.
    private static readonly double[][] s_first = [.. Enumerable.Range(0, 10).Select(i => new double[] { i % 3, 10 })];
    private static readonly double[][] s_second = [.. Enumerable.Range(0, 10).Select(i => new double[] { (i % 3) + (i % 2), 10 })];

    [Fact]
    public void Bootstrap_OfMeans_AgreesWithTheBootstrapOfPerSampleDifferences()
    {
        var expected = Statistics.Bootstrap([.. s_first.Zip(s_second, (a, b) => (a[0] - b[0]) / 10)], seed: 5, resamples: 4000);
        var interval = PairedTests.Bootstrap(s_first, s_second, Rate, seed: 5, resamples: 4000);
        Assert.Equal(-0.05, interval.Value, 1e-12);
        Assert.Equal(expected.Low, interval.Low, 0.0101);
        Assert.Equal(expected.High, interval.High, 0.0101);
    }

    [Fact]
    public void ApproximateRandomization_FiveDiscordantPairs_IsNearTheSignTest()
    {
        // Five samples differ, all one way: both ways of 2⁵ assignments are as extreme, 2/32.
        Assert.InRange(PairedTests.ApproximateRandomization(s_first, s_second, Rate, seed: 2), 0.0625 - 0.01, 0.0625 + 0.01);
    }

    [Fact]
    public void Tests_DifferentNumbersOfSamples_Throw()
    {
        Assert.Throws<ArgumentException>(() => PairedTests.Bootstrap(s_first, s_second[..9], Rate));
        Assert.Throws<ArgumentException>(() => PairedTests.ApproximateRandomization([], [], Rate));
    }

    private static double Rate(double[] counts) => counts[0] / counts[1];
}
