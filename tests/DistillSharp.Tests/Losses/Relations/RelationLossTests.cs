using DistillSharp.Losses.Relations;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Relations;

public sealed class RelationLossTests
{
    private static readonly double[][] Teacher = NaiveRows.Random(5, 7, 4);

    [Theory]
    [InlineData(25.0, 50.0)]
    [InlineData(1.0, 0.0)]
    [InlineData(0.0, 2.0)]
    public void Relational_Embeddings_IsDistancesAndAngles(double distanceWeight, double angleWeight) => LossCheck.Agrees(
        (s, t) => RelationalLoss.Compute(s, t, distanceWeight, angleWeight),
        (s, t) =>
        {
            var n = s.Length;
            var (own, other) = (Distances(s), Distances(t));
            double distance = 0, angle = 0;
            for (var i = 0; i < n; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    distance += Huber(own[i, j] - other[i, j]) / (n * n);
                    for (var k = 0; k < n; k++)
                    {
                        angle += Huber(Cosine(s, i, j, k) - Cosine(t, i, j, k)) / (n * n * n);
                    }
                }
            }

            return (distanceWeight * distance) + (angleWeight * angle);
        },
        NaiveRows.Random(5, 4, 3), Teacher);

    [Fact]
    public void Relational_EqualSamples_KeepsAFiniteGradient()
    {
        using var scope = NewDisposeScope();
        var student = ones([4, 3]).requires_grad_(true);
        RelationalLoss.Compute(student, randn(4, 3), 25, 50).Mean.backward();
        Assert.True(student.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void ProbabilisticTransfer_Embeddings_IsTheWeightedLogRatio() => LossCheck.Agrees(
        ProbabilisticTransferLoss.Compute,
        (s, t) =>
        {
            var (q, p) = (Shares(s), Shares(t));
            return p.Zip(q, (a, b) => a * Math.Log((a + 1e-7) / (b + 1e-7))).Average();
        },
        NaiveRows.Random(5, 4, 3), Teacher);

    [Fact]
    public void CorrelationCongruence_Code_IsProductsOfNeighbours() => LossCheck.Agrees(
        CorrelationCongruenceLoss.Neighbours,
        (s, t) => Enumerable.Range(0, 4).Average(i =>
            Enumerable.Range(0, 7).Sum(d => Math.Abs(s[i][d] - t[i][d]) * Math.Abs(s[i + 1][d] - t[i + 1][d]))),
        NaiveRows.Random(5, 7, 3), Teacher);

    // Equation 10: exp(−2γ)·Σ (2γ)ᵖ/p!·(x·y)ᵖ; equation 6: squared Frobenius norm over n².
    [Fact]
    public void CorrelationCongruence_Paper_IsTheExpandedKernel() => LossCheck.Agrees(
        (s, t) => CorrelationCongruenceLoss.Kernel(s, t, 0.4, 2),
        (s, t) => Enumerable.Range(0, 25).Average(i => Math.Pow(Taylor(s[i / 5], s[i % 5]) - Taylor(t[i / 5], t[i % 5]), 2)),
        NaiveRows.Random(5, 4, 3), Teacher);

    [Fact]
    public void CorrelationCongruence_HighOrder_NearsTheGaussianKernel()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (NaiveRows.Random(5, 4, 3), Teacher);
        var loss = CorrelationCongruenceLoss.Kernel(LossCheck.Matrix(x), LossCheck.Matrix(y), 0.4, 15).Mean.item<double>();
        double Gaussian(double[][] m, int i, int j) => Math.Exp(-0.4 * Unit(m[i]).Zip(Unit(m[j]), (a, b) => (a - b) * (a - b)).Sum());
        Assert.Equal(Enumerable.Range(0, 25).Average(i => Math.Pow(Gaussian(x, i / 5, i % 5) - Gaussian(y, i / 5, i % 5), 2)), loss, 1e-9);
    }

    [Fact]
    public void Losses_OneSample_SayThatTwoAreNeeded()
    {
        using var scope = NewDisposeScope();
        foreach (var loss in new Func<Tensor, Tensor, object>[]
        {
            (s, t) => RelationalLoss.Compute(s, t, 1, 1), (s, t) => CorrelationCongruenceLoss.Neighbours(s, t),
        })
        {
            var error = Assert.Throws<ArgumentException>(() => loss(zeros(1, 3), zeros(1, 3)));
            Assert.Contains("at least 2", error.Message, StringComparison.Ordinal);
        }
    }

    private static double Huber(double x) => Math.Abs(x) < 1 ? x * x / 2 : Math.Abs(x) - 0.5;

    private static double[,] Distances(double[][] rows)
    {
        var n = rows.Length;
        var distances = new double[n, n];
        var sum = 0.0;
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                distances[i, j] = Math.Sqrt(rows[i].Zip(rows[j], (a, b) => (a - b) * (a - b)).Sum());
                sum += distances[i, j];
            }
        }

        for (var i = 0; i < n * n; i++)
        {
            distances[i / n, i % n] /= sum / (n * (n - 1));
        }

        return distances;
    }

    // Of the angle at sample j between samples i and k.
    private static double Cosine(double[][] rows, int i, int j, int k) =>
        i == j || k == j ? 0 : Dot(Unit(Minus(rows[i], rows[j])), Unit(Minus(rows[k], rows[j])));

    private static List<double> Shares(double[][] rows)
    {
        var shares = new List<double>();
        foreach (var row in rows)
        {
            var similarities = rows.Select(other => (Dot(row, other) / (Length(row) + 1e-7) / (Length(other) + 1e-7) + 1) / 2).ToArray();
            shares.AddRange(similarities.Select(similarity => similarity / similarities.Sum()));
        }

        return shares;
    }

    private static double Taylor(double[] x, double[] y)
    {
        var cosine = Dot(Unit(x), Unit(y));
        return Math.Exp(-0.8) * (1 + (0.8 * cosine) + (0.32 * cosine * cosine));
    }

    private static double Dot(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();

    private static double Length(double[] x) => Math.Sqrt(Dot(x, x));

    private static double[] Unit(double[] x) => [.. x.Select(value => value / Length(x))];

    private static double[] Minus(double[] x, double[] y) => [.. x.Zip(y, (a, b) => a - b)];
}
