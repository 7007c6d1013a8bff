using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Runs.Report;

namespace DistillSharp.Tests.Runs;

public class TrainingCurvesTests
{
    private static EpochEnded Epoch(int seed, int epoch, double loss)
        => new("kd", seed, "main", epoch, 3, epoch, loss, new Dictionary<string, double> { ["hard_labels"] = loss / 2 }, new Dictionary<string, double> { ["top1"] = 0.5 }, 0.1, 1);

    [Fact]
    public void From_ResumedRun_TakesTheLastOfAnEpoch()
    {
        var curves = TrainingCurves.From([Epoch(0, 1, 4), Epoch(0, 2, 3), new NoteLogged("info", "resumed"), Epoch(0, 2, 2), Epoch(0, 3, double.NaN), Epoch(1, 1, 5)]);
        Assert.Equal([(1.0, 4.0), (2.0, 2.0)], curves.Single(curve => curve is { Seed: 0, Key: "loss/total" }).Points);
        Assert.Equal([(1.0, 2.0), (2.0, 1.0)], curves.Single(curve => curve is { Seed: 0, Key: "loss/hard_labels" }).Points);
        Assert.Equal(3, curves.Single(curve => curve is { Seed: 0, Key: "validation/top1" }).Points.Count);
        Assert.Single(curves.Single(curve => curve is { Seed: 1, Key: "loss/total" }).Points);
    }

    [Theory]
    [InlineData(0, 1, 4, 1, "0.0 0.5 1.0")]
    [InlineData(0.871, 0.934, 4, 100, "88 90 92")]
    [InlineData(-3, 12, 6, 1, "0 5 10")]
    [InlineData(-0.02, 0.02, 4, 100, "−2 −1 0 1 2")]
    public void Ticks_AnyRange_AreRound(double low, double high, int count, double factor, string expected)
        => Assert.Equal(expected, string.Join(' ', new Scale(low, high, 0, 1).Ticks(count, factor).Select(tick => tick.Text)));

    [Fact]
    public void Over_EqualValues_GetRoom()
    {
        var scale = Scale.Over([0.5, 0.5], 0, 100);
        Assert.Equal(50, scale.At(0.5), 1e-9);
        Assert.True(Scale.Over([0, 0], 0, 100).High > 0);
    }
}
