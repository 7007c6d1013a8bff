using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using static DistillSharp.Tests.Losses.NaiveRows;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Logits;

public sealed class LogitLossTests
{
    // Rows 0, 2, 3 are labelled.
    private static readonly long[] Labels = [1, -1, 0, 3];
    private static readonly double[][] Student = NaiveRows.Random(4, 5, 1);
    private static readonly double[][] Teacher = NaiveRows.Random(4, 5, 2);

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    public void CrossEntropy_Smoothing_IsTheMixedTarget(double smoothing) => Agrees(
        (s, _, labels) => HardLabels.CrossEntropy(s, labels, smoothing),
        (s, _, label) => -Softmax(s).Select((q, i) => ((smoothing / 5) + (i == label ? 1 - smoothing : 0)) * Math.Log(q)).Sum());

    [Theory]
    [InlineData(1.0)]
    [InlineData(3.0)]
    public void SoftTarget_Temperature_IsKlTimesItsSquare(double temperature) => AgreesByRow(
        (s, t) => SoftTargetLoss.Compute(s, t, temperature),
        (s, t) => temperature * temperature * Divergence(Softmax(t, temperature), Softmax(s, temperature)));

    [Fact]
    public void SoftTarget_Sigmoid_IsKlOfEachOutput() => AgreesByRow(
        (s, t) => SoftTargetLoss.Sigmoid(s, t, 2),
        (s, t) => Enumerable.Range(0, 5).Sum(i => 4 * Divergence(OnOff(t[i] / 2), OnOff(s[i] / 2))));

    [Fact]
    public void SoftTarget_Regression_IsTheSquaredDistance() => AgreesByRow(
        SoftTargetLoss.Regression, (s, t) => Enumerable.Range(0, 5).Sum(i => (s[i] - t[i]) * (s[i] - t[i])));

    [Fact]
    public void LogitMatching_Logits_IsTheMeanSquare() => AgreesByRow(
        LogitMatchingLoss.Compute, (s, t) => Enumerable.Range(0, 5).Average(i => (s[i] - t[i]) * (s[i] - t[i])));

    // Equation 7: alpha·KL(b_t ‖ b_s) + beta·KL(p̂_t ‖ p̂_s).
    [Fact]
    public void Decoupled_Labels_IsItsTwoParts() => Agrees(
        (s, t, labels) => DecoupledLoss.Compute(s, t, labels, 0.7, 2.5, 3),
        (s, t, label) =>
        {
            var (p, q) = (Softmax(t, 3)[label], Softmax(s, 3)[label]);
            return 9 * ((0.7 * Divergence([p, 1 - p], [q, 1 - q])) + (2.5 * Divergence(Softmax(Without(t, label), 3), Softmax(Without(s, label), 3))));
        });

    // Equation 6: −T_t·log S_t − γ·λ²·Σ N(T_i)·log N(S_i).
    [Fact]
    public void Normalized_Labels_IsItsTwoParts() => Agrees(
        (s, t, labels) => NormalizedLoss.Compute(s, t, labels, 1.5, 2),
        (s, t, label) =>
        {
            var (p, q) = (Softmax(Without(t, label), 2), Softmax(Without(s, label), 2));
            return -(Softmax(t)[label] * Math.Log(Softmax(s)[label])) - (1.5 * 4 * p.Zip(q, (a, b) => a * Math.Log(b)).Sum());
        });

    // Section 4: (1 − exp(−CE_s/CE_t))·T²·CE(softmax(t/T), softmax(s/T)); the factor is no function of the student's weights.
    [Fact]
    public void WeightedSoftLabels_Labels_WeighsEachSample() => Agrees(
        (s, t, labels) => WeightedSoftLabelsLoss.Compute(s, t, labels, 2),
        (s, t, label) =>
        {
            var original = Student[Array.IndexOf(Labels, label)];
            var weight = 1 - Math.Exp(Math.Log(Softmax(original)[label]) / (1e-7 - Math.Log(Softmax(t)[label])));
            return -4 * weight * Softmax(t, 2).Zip(Softmax(s, 2), (p, q) => p * Math.Log(q)).Sum();
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void VirtualTeacher_Labels_IsKlFromTheDesignedDistribution(bool softenStudent) => Agrees(
        (s, _, labels) => VirtualTeacherLoss.Compute(s, labels, 0.9, 5, softenStudent),
        (s, _, label) => Divergence(
            Softmax([.. Enumerable.Range(0, 5).Select(i => i == label ? 0.9 : 0.1 / 4)], 5), Softmax(s, softenStudent ? 5 : 1)));

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(1.0)]
    public void JensenShannon_Beta_RunsFromForwardToReverse(double beta) => AgreesByRow(
        (s, t) => GeneralizedDivergence.AsTerm(GeneralizedDivergence.JensenShannon(s, t, beta, 1.5)),
        (s, t) =>
        {
            var (q, p) = (Softmax(s, 1.5), Softmax(t, 1.5));
            var mix = p.Zip(q, (a, b) => (beta * a) + ((1 - beta) * b)).ToArray();
            return beta == 0 ? Divergence(p, q) : beta == 1 ? Divergence(q, p) : (beta * Divergence(p, mix)) + ((1 - beta) * Divergence(q, mix));
        });

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.1, false)]
    [InlineData(0.1, true)]
    public void Skewed_Alpha_MixesTheSecondDistribution(double alpha, bool reversed) => AgreesByRow(
        (s, t) => GeneralizedDivergence.AsTerm(GeneralizedDivergence.Skewed(s, t, alpha, reversed, 2)),
        (s, t) =>
        {
            var (first, second) = reversed ? (Softmax(s, 2), Softmax(t, 2)) : (Softmax(t, 2), Softmax(s, 2));
            return Divergence(first, [.. first.Zip(second, (a, b) => (alpha * a) + ((1 - alpha) * b))]);
        });

    [Fact]
    public void TotalVariation_Logits_IsHalfTheAbsoluteDifference() => AgreesByRow(
        (s, t) => GeneralizedDivergence.AsTerm(GeneralizedDivergence.TotalVariation(s, t, 2)),
        (s, t) => 0.5 * Softmax(s, 2).Zip(Softmax(t, 2), (q, p) => Math.Abs(p - q)).Sum());

    [Fact]
    public void StandardizedLogits_Rows_HaveMeanZeroAndDeviationOne() => AgreesByRow(
        (s, t) => SoftTargetLoss.Compute(StandardizedLogits.Of(s), StandardizedLogits.Of(t), 2),
        (s, t) => 4 * Divergence(Softmax(Standardize(t), 2), Softmax(Standardize(s), 2)));

    // Equations 7 to 10: 1 − mean Pearson of rows and of columns.
    [Fact]
    public void Correlation_Logits_IsPearsonOfRowsAndColumns() => LossCheck.Agrees(
        (s, t) => CorrelationLoss.Compute(s, t, 2, 3, 1.5),
        (s, t) =>
        {
            var (q, p) = (s.Select(row => Softmax(row, 1.5)).ToArray(), t.Select(row => Softmax(row, 1.5)).ToArray());
            var rows = Enumerable.Range(0, 4).Average(i => Pearson(q[i], p[i]));
            var columns = Enumerable.Range(0, 5).Average(j => Pearson([.. q.Select(row => row[j])], [.. p.Select(row => row[j])]));
            return 2.25 * ((2 * (1 - rows)) + (3 * (1 - columns)));
        },
        NaiveRows.Random(4, 5, 1), Teacher);

    // Equations 4 to 9, summed over temperatures.
    [Fact]
    public void MultiLevel_Logits_IsInstanceBatchAndClassLevels() => LossCheck.Agrees(
        (s, t) => MultiLevelLoss.Compute(s, t, [1.5, 3], 0.9, 0.7, 1.2),
        (s, t) => new[] { 1.5, 3 }.Sum(temperature =>
        {
            var (q, p) = (s.Select(row => Softmax(row, temperature)).ToArray(), t.Select(row => Softmax(row, temperature)).ToArray());
            var instance = Enumerable.Range(0, 4).Average(i => temperature * temperature * Divergence(p[i], q[i]));
            double Rows(double[][] m, int a, int b) => Enumerable.Range(0, 5).Sum(j => m[a][j] * m[b][j]);
            double Columns(double[][] m, int a, int b) => Enumerable.Range(0, 4).Sum(i => m[i][a] * m[i][b]);
            var batch = Pairs(4).Sum(pair => Square(Rows(p, pair.A, pair.B) - Rows(q, pair.A, pair.B))) / 4;
            var classwise = Pairs(5).Sum(pair => Square(Columns(p, pair.A, pair.B) - Columns(q, pair.A, pair.B))) / 5;
            return (0.9 * instance) + (0.7 * batch) + (1.2 * classwise);
        }),
        NaiveRows.Random(4, 5, 1), Teacher);

    [Fact]
    public void Losses_HalfPrecision_AreComputedInFloat32()
    {
        using var scope = NewDisposeScope();
        var (s, t) = (LossCheck.Matrix(Student).to(ScalarType.BFloat16), LossCheck.Matrix(Teacher).to(ScalarType.BFloat16));
        var expected = SoftTargetLoss.Compute(s.to(ScalarType.Float32), t.to(ScalarType.Float32), 2).Mean;
        var actual = SoftTargetLoss.Compute(s, t, 2).Mean;
        Assert.Equal(ScalarType.Float32, actual.dtype);
        Assert.Equal(expected.item<float>(), actual.item<float>());
    }

    [Fact]
    public void Losses_NoLabelAtAll_AreZero()
    {
        using var scope = NewDisposeScope();
        var term = DecoupledLoss.Compute(LossCheck.Matrix(Student), LossCheck.Matrix(Teacher), full([4], -1, ScalarType.Int64), 1, 8, 4);
        Assert.Equal(0, term.Count);
        Assert.Equal(0, term.Mean.item<double>());
    }

    [Fact]
    public void Losses_ShapesThatDoNotFit_ThrowWithBothShapes()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => CorrelationLoss.Compute(zeros(4, 5), zeros(4, 6), 1, 1, 1));
        Assert.Contains("[4, 5]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[4, 6]", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => NormalizedLoss.Compute(zeros(4, 5), zeros(4, 5), zeros([3], ScalarType.Int64), 1, 1));
        Assert.Throws<ArgumentException>(() => SoftTargetLoss.Compute(zeros(4, 5), zeros(4, 5), 0));
    }

    private static void AgreesByRow(Func<Tensor, Tensor, LossTerm> loss, Func<double[], double[], double> naive) => LossCheck.Agrees(
        loss, (s, t) => Enumerable.Range(0, s.Length).Average(i => naive(s[i], t[i])), NaiveRows.Random(4, 5, 1), Teacher);

    private static void Agrees(Func<Tensor, Tensor, Tensor, LossTerm> loss, Func<double[], double[], int, double> naive) => LossCheck.Agrees(
        (s, t) => loss(s, t, tensor(Labels)),
        (s, t) => Enumerable.Range(0, 4).Where(i => Labels[i] >= 0).Average(i => naive(s[i], t[i], (int)Labels[i])),
        NaiveRows.Random(4, 5, 1), Teacher);

    private static IEnumerable<(int A, int B)> Pairs(int count) => Enumerable.Range(0, count * count).Select(i => (i / count, i % count));

    private static double Square(double value) => value * value;

    private static double[] OnOff(double logit) => [1 / (1 + Math.Exp(-logit)), 1 / (1 + Math.Exp(logit))];

    private static double[] Standardize(double[] row)
    {
        var mean = row.Average();
        var deviation = Math.Sqrt(row.Sum(value => Square(value - mean)) / (row.Length - 1));
        return [.. row.Select(value => (value - mean) / (deviation + 1e-7))];
    }

    private static double Pearson(double[] left, double[] right)
    {
        var (a, b) = (left.Average(), right.Average());
        return left.Zip(right, (x, y) => (x - a) * (y - b)).Sum()
            / Math.Sqrt(left.Sum(x => Square(x - a)) * right.Sum(y => Square(y - b)));
    }
}
