using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Features;

/// <summary>Losses without reference vectors against loops in double precision, written from the papers' equations.</summary>
public sealed class NaiveReferenceTests
{
    [Fact]
    public void Vid_EqualsNegativeLogLikelihood()
    {
        using var scope = NewDisposeScope();
        var (mean, teacher) = (Numbers.Random(1, 2, 3, 2, 2), Numbers.Random(2, 2, 3, 2, 2));
        double[] variances = [0.5, 1, 3];
        var (own, other) = (Numbers.Maps(mean), Numbers.Maps(teacher));
        double sum = 0;
        for (var n = 0; n < 2; n++)
        {
            for (var c = 0; c < 3; c++)
            {
                for (var i = 0; i < 4; i++)
                {
                    // −log of the normal density without log √2π.
                    sum -= Math.Log(Math.Exp(-Math.Pow(other[n][c][i] - own[n][c][i], 2) / (2 * variances[c])) / Math.Sqrt(variances[c]));
                }
            }
        }

        Numbers.Close(sum / 24, VariationalInformationLoss.Compute(mean, teacher, tensor(variances)));
        Numbers.CheckGradient(mean, input => VariationalInformationLoss.Compute(input, teacher, tensor(variances)));
        Numbers.CheckGradient(tensor(variances), input => VariationalInformationLoss.Compute(mean, teacher, input));
    }

    [Fact]
    public void ChannelWise_EqualsDivergenceOverPositions()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 2, 3, 2, 3), Numbers.Random(2, 2, 3, 2, 3));
        double[] Softmax(double[] map) => [.. map.Select(x => Math.Exp(x / 2.5) / map.Sum(y => Math.Exp(y / 2.5)))];
        var sum = Numbers.Maps(student).Zip(Numbers.Maps(teacher)).Sum(sample => sample.First.Zip(sample.Second)
            .Sum(channel => Softmax(channel.Second).Zip(Softmax(channel.First), (p, q) => p * Math.Log(p / q)).Sum()));
        Numbers.Close(2.5 * 2.5 * sum / (2 * 3), ChannelWiseLoss.Compute(student, teacher, 2.5));
        Numbers.CheckGradient(student, input => ChannelWiseLoss.Compute(input, teacher, 2.5));
    }

    [Fact]
    public void MaskedGenerative_EqualsSumOfSquaresPerSample()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 3, 2, 2, 2), Numbers.Random(2, 3, 2, 2, 2));
        var sum = Numbers.Rows(student).Zip(Numbers.Rows(teacher), (own, other) => own.Zip(other, (a, b) => (a - b) * (a - b)).Sum()).Sum();
        Numbers.Close(sum / 3, MaskedGenerativeLoss.Compute(student, teacher));
        Numbers.CheckGradient(student, input => MaskedGenerativeLoss.Compute(input, teacher));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ClassAttention_EqualsPooledAndNormalisedActivationMaps(bool normalize)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 2, 3, 4, 4), Numbers.Random(2, 2, 5, 2, 2));
        var (own, other) = (Numbers.Random(3, 4, 3), Numbers.Random(4, 4, 5));
        var (left, right) = (Activation(student, own, 4, normalize), Activation(teacher, other, 2, normalize));
        var sum = left.Zip(right).Sum(sample => sample.First.Zip(sample.Second).Sum(pair => pair.First.Zip(pair.Second, (a, b) => (a - b) * (a - b)).Sum()));
        Tensor Loss(Tensor feature) => ClassActivationLoss.Compute(ClassActivationLoss.Maps(feature, own), ClassActivationLoss.Maps(teacher, other), 2, normalize);
        Numbers.Close(sum / (2 * 4 * 4), Loss(student));
        Numbers.CheckGradient(student, Loss);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(2.5)]
    public void ProjectorRecipe_EqualsLogarithmOfSummedPowers(double alpha)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 5, 3), Numbers.Random(2, 5, 3));
        double[][] Standardized(double[][] rows) => [.. rows.Select(row => row.Select((value, d) =>
        {
            var mean = rows.Average(other => other[d]);
            return (value - mean) / Math.Sqrt(rows.Average(other => Math.Pow(other[d] - mean, 2)) + 1e-4);
        }).ToArray())];
        var sum = Standardized(Numbers.Rows(student)).Zip(Standardized(Numbers.Rows(teacher)), (own, other) => own.Zip(other, (a, b) => Math.Pow(Math.Abs(a - b), alpha)).Sum()).Sum();
        Numbers.Close(Math.Log(sum), ProjectorRecipeLoss.Compute(student, teacher, alpha));
        Numbers.CheckGradient(student, input => ProjectorRecipeLoss.Compute(input, teacher, alpha));
        Assert.True(double.IsFinite(ProjectorRecipeLoss.Compute(teacher, teacher).item<double>()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void PrimeAware_EqualsWeightedDifferencesPlusLogVariance(int variancesPerSample)
    {
        using var scope = NewDisposeScope();
        var (student, teacher, spread) = (Numbers.Random(1, 3, 4), Numbers.Random(2, 3, 4), Numbers.Random(3, 3, variancesPerSample));
        var (own, other, logs) = (Numbers.Rows(student), Numbers.Rows(teacher), Numbers.Rows(spread));
        double sum = 0;
        for (var n = 0; n < 3; n++)
        {
            for (var d = 0; d < 4; d++)
            {
                var log = logs[n][d % variancesPerSample];
                sum += (Math.Pow(own[n][d] - other[n][d], 2) / (1e-6 + Math.Exp(log))) + log;
            }
        }

        Numbers.Close(sum / 12, PrimeAwareLoss.Compute(student, teacher, spread));
        Numbers.CheckGradient(student, input => PrimeAwareLoss.Compute(input, teacher, spread));
        Numbers.CheckGradient(spread, input => PrimeAwareLoss.Compute(student, teacher, input));
    }

    [Fact]
    public void EmbeddingRegression_EqualsCosineAndDistance()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 3, 4), Numbers.Random(2, 3, 4));
        var pairs = Numbers.Rows(student).Zip(Numbers.Rows(teacher)).ToList();
        Numbers.Close(pairs.Average(pair => 1 - Numbers.Unit(pair.First).Zip(Numbers.Unit(pair.Second), (a, b) => a * b).Sum()), EmbeddingRegressionLoss.Compute(student, teacher));
        Numbers.Close(pairs.Average(pair => pair.First.Zip(pair.Second, (a, b) => (a - b) * (a - b)).Average()), EmbeddingRegressionLoss.Compute(student, teacher, EmbeddingRegressionLoss.L2));
        Numbers.CheckGradient(student, input => EmbeddingRegressionLoss.Compute(input, teacher));
        Numbers.CheckGradient(student, input => EmbeddingRegressionLoss.Compute(input, teacher, EmbeddingRegressionLoss.L2));
    }

    private static double[][][] Activation(Tensor feature, Tensor classifier, int size, bool normalize)
    {
        var weights = Numbers.Rows(classifier);
        return [.. Numbers.Maps(feature).Select(channels => weights.Select(row =>
        {
            var grid = new double[4];
            for (var i = 0; i < size * size; i++)
            {
                var cell = ((i / size) / (size / 2) * 2) + ((i % size) / (size / 2));
                grid[cell] += row.Select((weight, c) => weight * channels[c][i]).Sum() / (size * size / 4);
            }

            return normalize ? Numbers.Unit(grid) : grid;
        }).ToArray())];
    }
}
