using CsCheck;
using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public class McNemarTests
{
    [Fact]
    public void FromCounts_FewDiscordant_SumsTheBinomial() => Gen.Int[0, 40].Select(Gen.Int[0, 40]).Sample((first, second) =>
    {
        var test = McNemar.FromCounts(first, second);
        Assert.True(test.Exact);
        Assert.Equal(ExactPValue(first, second), test.PValue, 1e-9);
        Assert.Equal(test.PValue, McNemar.FromCounts(second, first).PValue, 1e-12);
    }, iter: 200);

    [Theory]
    [InlineData(0, 5, 0.0625)]
    [InlineData(1, 9, 0.021484375)]
    [InlineData(0, 0, 1)]
    [InlineData(3, 3, 1)]
    public void FromCounts_ByHand_Agrees(int first, int second, double expected) => Assert.Equal(expected, McNemar.FromCounts(first, second).PValue, 1e-12);

    [Fact]
    public void FromCounts_ManyDiscordant_IsContinuityCorrectedChiSquare()
    {
        // (|121 − 59| − 1)² / 180 = 20.6722; upper tail of χ² with one degree of freedom 5.45e-6.
        var test = McNemar.FromCounts(121, 59);
        Assert.False(test.Exact);
        Assert.InRange(test.PValue, 5.2e-6, 5.7e-6);
        Assert.Equal(ExactPValue(70, 50), McNemar.FromCounts(70, 50).PValue, 0.004);
        Assert.Equal(1, McNemar.FromCounts(60, 60).PValue, 1e-12);
    }

    [Fact]
    public void Test_Predictions_CountsDiscordantSamples()
    {
        var test = McNemar.Test([0, 1, 2, 2, 0], [0, 0, 2, 1, 1], [0, 1, 1, 2, 1]);
        Assert.Equal((2, 1), (test.OnlyFirstRight, test.OnlySecondRight));
        Assert.Throws<ArgumentException>(() => McNemar.Test([0], [0, 1], [0, 1]));
    }

    [Fact]
    public void Pool_TwoSeeds_AddsCounts()
        => Assert.Equal(McNemar.FromCounts(10, 4), McNemar.Pool([McNemar.FromCounts(7, 1), McNemar.FromCounts(3, 3)]));

    private static double ExactPValue(int first, int second)
    {
        var (n, fewer) = (first + second, Math.Min(first, second));
        var (sum, choose) = (0.0, 1.0);
        for (var k = 0; k <= fewer; k++)
        {
            sum += choose;
            choose = choose * (n - k) / (k + 1);
        }

        return Math.Min(1, 2 * sum * Math.Pow(0.5, n));
    }
}
