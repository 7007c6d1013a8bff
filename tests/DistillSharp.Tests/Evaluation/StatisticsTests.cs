using CsCheck;
using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public class StatisticsTests
{
    [Theory]
    [InlineData(1, 12.7062)]
    [InlineData(2, 4.30265)]
    [InlineData(4, 2.77645)]
    [InlineData(9, 2.26216)]
    [InlineData(30, 2.04227)]
    public void StudentQuantile_PrintedTable_Agrees(int degrees, double expected) => Assert.Equal(expected, Statistics.StudentQuantile(0.975, degrees), 5e-5);

    [Fact]
    public void StandardDeviation_ByHand_DividesByNMinus1()
    {
        Assert.Equal(Math.Sqrt(32 / 7.0), Statistics.StandardDeviation([2, 4, 4, 4, 5, 5, 7, 9])!.Value, 1e-12);
        Assert.Null(Statistics.StandardDeviation([3]));
        Assert.Equal(5, Statistics.Mean([2, 4, 4, 4, 5, 5, 7, 9]), 1e-12);
        Assert.Equal(0, Statistics.StandardDeviation([0.2, 0.2, 0.2]));
        Assert.Throws<ArgumentException>(() => Statistics.Mean([]));
    }

    [Fact]
    public void PairedInterval_ThreeSeedsByHand_UsesTwoDegreesOfFreedom()
    {
        // Differences 1, 2, 3: mean 2, sd 1, half width 4.30265 / √3.
        var interval = Statistics.PairedInterval([11, 22, 33], [10, 20, 30])!.Value;
        Assert.Equal(2, interval.Value, 1e-12);
        Assert.Equal(2 - (4.30265 / Math.Sqrt(3)), interval.Low, 1e-4);
        Assert.Equal(2 + (4.30265 / Math.Sqrt(3)), interval.High, 1e-4);
        Assert.True(interval.HoldsZero);
        Assert.Null(Statistics.PairedInterval([1], [2]));
        Assert.Throws<ArgumentException>(() => Statistics.PairedInterval([1, 2], [2]));
    }

    [Fact]
    public void PairedInterval_SameDifferenceWithAllSeeds_IsNoneUnlessTheyAreEqual()
    {
        // Differences of 0.02 that rounding makes unequal.
        double[] first = [0.12, 0.92], second = [0.10, 0.90];
        Assert.NotEqual(first[0] - second[0], first[1] - second[1]);
        Assert.Null(Statistics.PairedInterval(first, second));
        Assert.Equal(new Interval(0, 0, 0), Statistics.PairedInterval([0.3, 0.3], [0.1 + 0.2, 0.1 + 0.2]));
        Assert.NotNull(Statistics.PairedInterval([0.93, 0.9201], [0.91, 0.90]));
    }

    [Fact]
    public void PairedInterval_SwappedArms_IsMirrored() => Gen.Double[-5, 5].Array[2, 8].Select(Gen.Double[-5, 5].Array[8], (a, b) => (a, b[..a.Length])).Sample(pair =>
    {
        var forward = Statistics.PairedInterval(pair.a, pair.Item2)!.Value;
        var backward = Statistics.PairedInterval(pair.Item2, pair.a)!.Value;
        Assert.Equal(forward.Low, -backward.High, 1e-9);
        Assert.Equal(forward.High, -backward.Low, 1e-9);
        Assert.Equal(forward.HoldsZero, backward.HoldsZero);
    }, iter: 200);

    [Fact]
    public void PairedInterval_NormalDifferences_CoversTheTruthNinetyFivePercent()
    {
        var random = new Random(11);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        var covered = 0;
        for (var trial = 0; trial < 4000; trial++)
        {
            var interval = Statistics.PairedInterval([0.3 + Normal(), 0.3 + Normal(), 0.3 + Normal()], [0, 0, 0])!.Value;
            covered += interval.Low <= 0.3 && interval.High >= 0.3 ? 1 : 0;
        }

        Assert.InRange(covered / 4000.0, 0.935, 0.965);
    }

    [Fact]
    public void Bootstrap_ManySamples_ApproachesTheNormalInterval()
    {
        var samples = Enumerable.Range(0, 2000).Select(i => i % 10 == 0 ? 1.0 : i % 25 == 1 ? -1.0 : 0).ToArray();
        var half = 1.96 * Statistics.StandardDeviation(samples)!.Value / Math.Sqrt(samples.Length);
        var interval = Statistics.Bootstrap(samples, seed: 3);
        Assert.Equal(samples.Average(), interval.Value, 1e-12);
        Assert.Equal(samples.Average() - half, interval.Low, 0.1 * half);
        Assert.Equal(samples.Average() + half, interval.High, 0.1 * half);
    }

    [Fact]
    public void Bootstrap_SameSeed_SameInterval()
    {
        double[] samples = [1, 0, 0, -1, 1, 1, 0, 0, 0, 1];
        Assert.Equal(Statistics.Bootstrap(samples, 7), Statistics.Bootstrap(samples, 7));
        Assert.NotEqual(Statistics.Bootstrap(samples, 7, resamples: 51), Statistics.Bootstrap(samples, 8, resamples: 51));
        Assert.Equal(new Interval(1, 1, 1), Statistics.Bootstrap([1.0, 1, 1]));
        Assert.Throws<ArgumentException>(() => Statistics.Bootstrap([]));
    }

    [Fact]
    public void BootstrapRatio_ProportionalSamples_IsThatRatio()
    {
        double[] below = [1, 1, 0, 1, 1, 1, 0, 1];
        var interval = Statistics.BootstrapRatio([.. below.Select(value => 0.4 * value)], below);
        Assert.Equal(0.4, interval.Low, 1e-12);
        Assert.Equal(0.4, interval.High, 1e-12);
    }
}
