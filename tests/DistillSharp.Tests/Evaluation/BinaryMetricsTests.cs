using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

/// <summary>Decisions between two classes, against counting every pair.</summary>
public sealed class BinaryMetricsTests
{
    [Fact]
    public void Compute_RandomScoresWithTies_AreThoseOfCountingPairs()
    {
        var random = new Random(3);
        var odds = Enumerable.Range(0, 300).Select(_ => (float)(random.Next(-8, 9) / 2.0)).ToArray();
        var labels = Enumerable.Range(0, 300).Select(_ => random.Next(-1, 2)).ToArray();
        double wins = 0, pairs = 0, yesYes = 0, yesNo = 0, noYes = 0, noNo = 0;
        for (var i = 0; i < odds.Length; i++)
        {
            yesYes += odds[i] > 0 && labels[i] == 1 ? 1 : 0;
            yesNo += odds[i] > 0 && labels[i] == 0 ? 1 : 0;
            noYes += odds[i] <= 0 && labels[i] == 1 ? 1 : 0;
            noNo += odds[i] <= 0 && labels[i] == 0 ? 1 : 0;
            for (var j = 0; j < odds.Length && labels[i] == 1; j++)
            {
                (wins, pairs) = labels[j] == 0 ? (wins + (odds[i] > odds[j] ? 1 : odds[i] == odds[j] ? 0.5 : 0), pairs + 1) : (wins, pairs);
            }
        }

        var metrics = BinaryMetrics.Compute(odds, labels);

        var (precision, recall) = (yesYes / (yesYes + yesNo), yesYes / (yesYes + noYes));
        Assert.Equal(wins / pairs, metrics["auc"], 12);
        Assert.Equal((yesYes + noNo) / (yesYes + yesNo + noYes + noNo), metrics["accuracy"], 12);
        Assert.Equal(2 * precision * recall / (precision + recall), metrics["f1"], 12);
    }

    [Fact]
    public void Compute_OneClassAlone_HasNoArea() => Assert.True(double.IsNaN(BinaryMetrics.Compute([1, 2], [1, 1])["auc"]));
}
