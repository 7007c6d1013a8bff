using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public sealed class LeftOutClassesTests
{
    // Class 2 was never seen: its logits are about 3 too low.
    private static readonly SplitLogits Underrated = new(
        [
            4, 0, 1.5f,
            0, 4, 1.4f,
            2, 0, 1,
            0, 2, 1.2f,
            2, 0, 0.4f,
            3, 2, -2,
        ],
        [0, 1, 2, 2, 2, 0], 3);

    [Fact]
    public void FitBias_UnderratedClass_IsTheMiddleOfWhatLeavesTheFewestErrors()
    {
        // Right above 1, 0.8 and 1.6 for the three of class 2; wrong above 2.5, 2.6 and 5 for the others: 1.6 to 2.5.
        Assert.Equal(2.05, LeftOutClasses.FitBias(Underrated, [2]), 5);
    }

    [Fact]
    public void FitBias_AnySplit_IsNoWorseThanAnyOtherBias()
    {
        var random = new Random(4);
        for (var repetition = 0; repetition < 20; repetition++)
        {
            var split = new SplitLogits([.. Enumerable.Range(0, 160).Select(_ => (float)random.Next(-8, 8) / 2)], [.. Enumerable.Range(0, 40).Select(_ => random.Next(4))], 4);
            var best = Errors(split, [1, 3], LeftOutClasses.FitBias(split, [1, 3]));

            Assert.All(Enumerable.Range(-90, 181), step => Assert.True(best <= Errors(split, [1, 3], 0.05 + (step / 10.0))));
        }
    }

    [Fact]
    public void Metrics_UnderratedClass_AreCountedBeforeAndAfter()
    {
        var metrics = LeftOutClasses.Metrics(Underrated, Underrated, [2]).ToDictionary();

        Assert.Equal(0, metrics["left_out_recall"]);
        Assert.Equal(1, metrics["left_out_recall_corrected"]);
        Assert.Equal(0, metrics["errors_corrected"]);
        Assert.Equal(2.05, metrics["left_out_bias"], 5);
    }

    [Fact]
    public void FitBias_AllClassesLeftOut_IsRefused() => Assert.Throws<ArgumentException>(() => LeftOutClasses.FitBias(Underrated, [0, 1, 2]));

    private static double Errors(SplitLogits split, int[] classes, double bias)
    {
        var with = LeftOutClasses.WithBias(split, classes, bias);
        return ClassificationMetrics.Compute(with.Logits, with.Labels, with.Classes).Metrics["errors"];
    }
}
