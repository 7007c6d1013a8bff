using DistillSharp.Losses.Relations;
using DistillSharp.Tests.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Relations;

/// <summary>The parts of SSKD against loops in double precision.</summary>
public sealed class SelfSupervisionLossTests
{
    [Fact]
    public void Similarities_AreCosinesOfViewsWithSamples()
    {
        using var scope = NewDisposeScope();
        var (original, turned) = (Numbers.Random(1, 2, 3), Numbers.Random(2, 6, 3));
        var actual = Numbers.Rows(SelfSupervisionLoss.Similarities(original, turned));
        for (var view = 0; view < 6; view++)
        {
            for (var sample = 0; sample < 2; sample++)
            {
                var expected = Numbers.Unit(Numbers.Rows(turned)[view]).Zip(Numbers.Unit(Numbers.Rows(original)[sample]), (a, b) => a * b).Sum();
                Numbers.Close(expected, actual[view][sample]);
            }
        }

        Assert.Throws<ArgumentException>(() => SelfSupervisionLoss.Similarities(original, Numbers.Random(2, 5, 3)));
    }

    [Fact]
    public void Contrast_EqualsCrossEntropyWithTheViewsOwnSample()
    {
        using var scope = NewDisposeScope();
        var similarities = Numbers.Random(3, 6, 2);
        var expected = Numbers.Rows(similarities).Select((row, view) => -Math.Log(Math.Exp(row[view % 2]) / row.Sum(Math.Exp))).Average();
        Numbers.Close(expected, SelfSupervisionLoss.Contrast(similarities));
        Numbers.CheckGradient(similarities, SelfSupervisionLoss.Contrast);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(0.75)]
    [InlineData(1)]
    public void Transfer_KeepsTheShareOfErrorsWithTheBestRanks(double share)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(4, 12, 4), Numbers.Random(5, 12, 4));
        var expected = Mean(Numbers.Rows(student), Numbers.Rows(teacher), view => view % 4, 0.5, share);
        Numbers.Close(expected, SelfSupervisionLoss.Transfer(student, teacher, 0.5, share));
        Numbers.CheckGradient(student, input => SelfSupervisionLoss.Transfer(input, teacher, 0.5, share));
    }

    [Theory]
    [InlineData(0.4)]
    [InlineData(1)]
    public void Transformed_RanksTheLabelOfTheViewsSample(double share)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(6, 9, 5), Numbers.Random(7, 9, 5));
        long[] labels = [3, 0, 4];
        var expected = Mean(Numbers.Rows(student), Numbers.Rows(teacher), view => (int)labels[view % 3], 4, share);
        Numbers.Close(expected, SelfSupervisionLoss.Transformed(student, teacher, tensor(labels), 4, share));
        Numbers.CheckGradient(student, input => SelfSupervisionLoss.Transformed(input, teacher, tensor(labels), 4, share));
    }

    [Fact]
    public void Transformed_NothingKept_IsZero()
    {
        using var scope = NewDisposeScope();
        var student = tensor(new double[] { 1, 2 }, [1, 2]).requires_grad_(true);
        var loss = SelfSupervisionLoss.Transformed(student, tensor(new double[] { 1, 2 }, [1, 2]), tensor(new long[] { 0 }), 4, 0);
        loss.backward();
        Assert.Equal(0, loss.item<double>());
    }

    private static double Mean(double[][] student, double[][] teacher, Func<int, int> target, double temperature, double share)
    {
        double[] Softmax(double[] row) => [.. row.Select(value => Math.Exp(value / temperature) / row.Sum(other => Math.Exp(other / temperature)))];
        var ranks = teacher.Select((row, view) => row.Count(value => value > row[target(view)])).ToArray();
        var wrong = Enumerable.Range(0, ranks.Length).Where(view => ranks[view] > 0).OrderBy(view => ranks[view]).ToList();
        var kept = Enumerable.Range(0, ranks.Length).Where(view => ranks[view] == 0).Concat(wrong.Take((int)(wrong.Count * share)));
        return kept.Average(view => temperature * temperature * Softmax(teacher[view]).Zip(Softmax(student[view]), (p, q) => p * Math.Log(p / q)).Sum());
    }
}
