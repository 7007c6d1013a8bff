using CsCheck;
using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public class GapRecoveryTests
{
    [Fact]
    public void FromSeeds_ByHand_IsRatioOfMeans()
    {
        var recovery = GapRecovery.FromSeeds([0.92, 0.93, 0.94], [0.90, 0.91, 0.90], [0.96, 0.96, 0.97]);
        Assert.Equal(0.08 / 0.18, recovery.Value!.Value, 1e-9);
        Assert.InRange(recovery.Value.Value, recovery.Low!.Value, recovery.High!.Value);
        Assert.Null(recovery.Reason);
    }

    // Values that are all the same have no such interval; tests of their own say what they have.
    [Fact]
    public void FromSeeds_EndsOfTheInterval_AreWhereThePairedTTestTurns() => Spread(Gen.Double[0, 1]).Select(Spread(Gen.Double[2, 6]), (gains, gaps) => (gains, gaps)).Sample(sample =>
    {
        double[] plain = [0, 0, 0, 0];
        var recovery = GapRecovery.FromSeeds(sample.gains, plain, sample.gaps);
        if (recovery.Value is null)
        {
            Assert.True(Statistics.PairedInterval(sample.gaps, plain)!.Value.HoldsZero);
            return;
        }

        // At an end θ, the paired interval of gain − θ·gap touches 0 (Fieller's definition).
        foreach (var end in new[] { recovery.Low!.Value, recovery.High!.Value })
        {
            var interval = Statistics.PairedInterval(sample.gains, [.. sample.gaps.Select(gap => end * gap)])!.Value;
            Assert.Equal(0, Math.Min(Math.Abs(interval.Low), Math.Abs(interval.High)), 1e-6);
        }
    }, iter: 200);

    private static Gen<double[]> Spread(Gen<double> values) => values.Array[4].Where(drawn => Statistics.HasSpread(drawn, [0, 0, 0, 0]));

    [Fact]
    public void FromSeeds_NearlyConstantGap_IsNearlyTheIntervalOfTheGainDividedByIt()
    {
        double[] gains = [0.01, 0.02, 0.04];
        var recovery = GapRecovery.FromSeeds(gains, [0, 0, 0], [0.1, 0.1 + 1e-9, 0.1]);
        var interval = Statistics.PairedInterval(gains, [0, 0, 0])!.Value;
        Assert.Equal(interval.Low / 0.1, recovery.Low!.Value, 1e-6);
        Assert.Equal(interval.High / 0.1, recovery.High!.Value, 1e-6);
    }

    [Fact]
    public void FromSeeds_SameGapWithAllSeeds_IsUndefined()
    {
        var recovery = GapRecovery.FromSeeds([0.92, 0.925], [0.90, 0.91], [0.96, 0.97]);
        Assert.Equal((null, null, null), (recovery.Value, recovery.Low, recovery.High));
        Assert.Contains("the same in all seeds", recovery.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromSeeds_SameGainWithAllSeeds_HasNoInterval()
    {
        var recovery = GapRecovery.FromSeeds([0.92, 0.93], [0.90, 0.91], [0.96, 0.971]);
        Assert.Equal(0.02 / 0.0605, recovery.Value!.Value, 1e-9);
        Assert.Equal((null, null), (recovery.Low, recovery.High));
        Assert.StartsWith("no interval", recovery.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromSeeds_LowerIsBetter_CountsReductions()
        => Assert.Equal(3.5 / 7.5, GapRecovery.FromSeeds([8, 9.5], [10, 11], [6, 7.5], higherIsBetter: false).Value!.Value, 1e-9);

    [Fact]
    public void FromSeeds_GapWithinNoise_IsUndefinedWithReason()
    {
        var recovery = GapRecovery.FromSeeds([0.91, 0.92, 0.93], [0.90, 0.92, 0.91], [0.89, 0.95, 0.91]);
        Assert.Equal((null, null, null), (recovery.Value, recovery.Low, recovery.High));
        Assert.Contains("holds 0", recovery.Reason, StringComparison.Ordinal);
        Assert.Contains("worse", GapRecovery.FromSeeds([1, 1], [3, 3.1], [2, 2]).Reason, StringComparison.Ordinal);
        Assert.Contains("two seeds", GapRecovery.FromSeeds([1], [3], [4]).Reason, StringComparison.Ordinal);
        Assert.NotNull(GapRecovery.FromSeeds([1, 1], [2, 2], [2, 2]).Reason);
    }

    [Fact]
    public void FromSamples_OneSeed_BootstrapsTheRatio()
    {
        // 1000 samples: plain right on 800, distilled on 50 more, teacher on 100 more.
        double[] plain = [.. Enumerable.Range(0, 1000).Select(i => i < 800 ? 1.0 : 0)];
        double[] distilled = [.. Enumerable.Range(0, 1000).Select(i => i < 850 ? 1.0 : 0)];
        double[] teacher = [.. Enumerable.Range(0, 1000).Select(i => i < 900 ? 1.0 : 0)];
        var recovery = GapRecovery.FromSamples(distilled, plain, teacher);
        Assert.Equal(0.5, recovery.Value!.Value, 1e-9);
        Assert.InRange(recovery.Low!.Value, 0.37, 0.43);
        Assert.InRange(recovery.High!.Value, 0.57, 0.63);
        Assert.Contains("test samples only", recovery.Reason, StringComparison.Ordinal);
        Assert.Contains("worse", GapRecovery.FromSamples(distilled, teacher, plain).Reason, StringComparison.Ordinal);
        Assert.Null(GapRecovery.FromSamples(distilled, plain, plain).Value);
    }
}
