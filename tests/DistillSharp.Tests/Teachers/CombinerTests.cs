using DistillSharp.Teachers;
using DistillSharp.Tests.Losses;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>Combinations of several teachers' logits against loops over doubles and against figures worked by hand.</summary>
public sealed class CombinerTests
{
    // Two members, two samples, three classes.
    private static readonly double[][][] s_logits = [[[2, 1, 0], [0, 1, 1]], [[0, 3, 1], [1, -1, 2]]];

    [Fact]
    public void MeanLogits_TwoMembers_IsTheirMean()
    {
        using var scope = NewDisposeScope();
        AssertRows([[1, 2, 0.5], [0.5, 0, 1.5]], Combine(Combination.MeanLogits));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void MeanProbabilities_AtItsTemperature_HasTheMeanOfTheMembersProbabilities(double temperature)
    {
        using var scope = NewDisposeScope();
        var combined = Rows(Combine(Combination.MeanProbabilities, temperature));
        for (var sample = 0; sample < 2; sample++)
        {
            var expected = Mix(sample, temperature, [0.5, 0.5]);
            AssertRow(expected, NaiveRows.Softmax(combined[sample], temperature));
        }
    }

    [Fact]
    public void MeanProbabilities_WorkedByHand()
    {
        // softmax(ln 1, ln 3) = (1/4, 3/4) and softmax(ln 3, ln 1) = (3/4, 1/4): the mean is (1/2, 1/2), so both logits are ln ½.
        using var scope = NewDisposeScope();
        var logits = tensor(new[] { Math.Log(1), Math.Log(3), Math.Log(3), Math.Log(1) }, [2, 1, 2]);
        AssertRows([[Math.Log(0.5), Math.Log(0.5)]], Combiner.MeanProbabilities(logits, 1));
    }

    [Fact]
    public void Confidence_ThreeMembers_FollowsThePaper()
    {
        // Cross-entropies ln 2, ln 4 and ln 2 with label 0: exp(L) is 2, 4, 2, so the weights are (1 − 1/4)/2, (1 − 1/2)/2, (1 − 1/4)/2.
        using var scope = NewDisposeScope();
        var logits = tensor(new[] { 0, 0, 0, Math.Log(3), 0, 0 }, [3, 1, 2]);
        var weights = Combiner.Confidence(logits, tensor(new long[] { 0 }));
        AssertRows([[0.375], [0.25], [0.375]], weights);
    }

    [Fact]
    public void ConfidenceWeighted_TwoMembers_IsTheWeightedMixtureOfProbabilities()
    {
        using var scope = NewDisposeScope();
        long[] labels = [0, 2];
        var combined = Rows(Combine(Combination.ConfidenceWeighted, 2, labels));
        for (var sample = 0; sample < 2; sample++)
        {
            var losses = s_logits.Select(member => -Math.Log(NaiveRows.Softmax(member[sample], 1)[labels[sample]])).ToArray();
            var total = losses.Sum(Math.Exp);
            AssertRow(Mix(sample, 2, [.. losses.Select(loss => 1 - (Math.Exp(loss) / total))]), NaiveRows.Softmax(combined[sample], 2));
        }
    }

    [Fact]
    public void ConfidenceWeighted_AMemberThatIsCertainlyWrong_IsLeftOut()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { 2, 0, -90, 90 }, [2, 1, 2]);
        var combined = Rows(Combiner.ConfidenceWeighted(logits, tensor(new long[] { 0 }), 1));
        AssertRow(NaiveRows.Softmax([2, 0], 1), NaiveRows.Softmax(combined[0], 1), 6);
        Assert.True(double.IsFinite(combined[0][0]));
    }

    [Fact]
    public void BestPerSample_TakesTheMemberNearestTheLabel_AndTheFirstOfEquals()
    {
        using var scope = NewDisposeScope();
        AssertRows([s_logits[1][0], s_logits[0][1]], Combine(Combination.BestPerSample, 4, [1, 1]));
        var same = tensor(new double[] { 1, 2, 11, 12 }, [2, 1, 2]);
        AssertRows([[1, 2]], Combiner.BestPerSample(same, tensor(new long[] { 0 }), 4));
    }

    [Theory]
    [InlineData(Combination.ConfidenceWeighted)]
    [InlineData(Combination.BestPerSample)]
    public void Combine_SampleWithoutLabel_GetsTheMeanOfProbabilities(Combination combination)
    {
        using var scope = NewDisposeScope();
        var mean = Rows(Combine(Combination.MeanProbabilities, 2));
        var combined = Rows(Combine(combination, 2, [0, -1]));
        AssertRow(mean[1], combined[1]);
        Assert.NotEqual(mean[0][0], combined[0][0], 3);
        Assert.Equal(mean, Rows(Combine(combination, 2, null)), (left, right) => left.Zip(right).All(pair => Math.Abs(pair.First - pair.Second) < 1e-12));
    }

    [Theory]
    [InlineData(Combination.MeanLogits)]
    [InlineData(Combination.MeanProbabilities)]
    [InlineData(Combination.ConfidenceWeighted)]
    [InlineData(Combination.BestPerSample)]
    public void Combine_Sequences_AreRowsOfTheirOwn(Combination combination)
    {
        using var scope = NewDisposeScope();
        var options = new CombinerOptions { Combine = combination, Temperature = 3 };
        var targets = tensor(new long[] { 0, 1 });
        var rows = Combiner.Combine(Stacked(), targets, options);
        var sequence = Combiner.Combine(Stacked().unsqueeze(1), targets.unsqueeze(0), options);
        Assert.Equal([1, 2, 3], sequence.shape);
        AssertRows(Rows(rows), sequence.squeeze(0));
    }

    [Theory]
    [InlineData(Combination.MeanLogits, Combination.MeanLogits)]
    [InlineData(Combination.MeanProbabilities, Combination.MeanProbabilities)]
    [InlineData(Combination.ConfidenceWeighted, Combination.MeanProbabilities)]
    [InlineData(Combination.BestPerSample, Combination.MeanProbabilities)]
    public void WithoutLabels_ReadsNoLabels(Combination given, Combination expected)
    {
        var evaluation = new CombinerOptions { Combine = given, Temperature = 7 }.WithoutLabels;
        Assert.Equal((expected, 7, false), (evaluation.Combine, evaluation.Temperature, evaluation.ReadsLabels));
    }

    private static Tensor Stacked() => tensor(s_logits.SelectMany(member => member).SelectMany(row => row).ToArray(), [2, 2, 3]);

    private static Tensor Combine(Combination combination, double temperature = 4, long[]? labels = null) =>
        Combiner.Combine(Stacked(), labels is null ? null : tensor(labels), new CombinerOptions { Combine = combination, Temperature = temperature });

    private static double[] Mix(int sample, double temperature, double[] weights)
    {
        var mixed = new double[3];
        for (var member = 0; member < weights.Length; member++)
        {
            var probabilities = NaiveRows.Softmax(s_logits[member][sample], temperature);
            for (var index = 0; index < mixed.Length; index++)
            {
                mixed[index] += weights[member] * probabilities[index];
            }
        }

        return mixed;
    }

    private static double[][] Rows(Tensor values)
    {
        var flat = values.to(ScalarType.Float64).contiguous().data<double>().ToArray();
        return [.. flat.Chunk((int)values.shape[^1])];
    }

    private static void AssertRows(double[][] expected, Tensor values)
    {
        var rows = Rows(values);
        Assert.Equal(expected.Length, rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            AssertRow(expected[i], rows[i]);
        }
    }

    private static void AssertRow(double[] expected, double[] row, int digits = 12)
    {
        Assert.Equal(expected.Length, row.Length);
        for (var i = 0; i < row.Length; i++)
        {
            Assert.Equal(expected[i], row[i], digits);
        }
    }
}
