using DistillSharp.Losses;
using DistillSharp.Losses.Sequences;
using static DistillSharp.Tests.Losses.NaiveRows;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Sequences;

/// <summary>Two samples of three positions, the last of the second sample padding; rows are sample · 3 + position.</summary>
public sealed class HiddenStateLossTests
{
    private static readonly int[] Lengths = [3, 2];
    private static readonly (int Sample, int Position)[] Valid = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)];

    [Fact]
    public void MeanSquare_Padding_IsTheMeanOverValidPositions() => Agrees(
        (s, t, _) => HiddenStateLoss.MeanSquare(s, t),
        (s, t, sample, position) => Row(s, sample, position).Zip(Row(t, sample, position), (a, b) => (a - b) * (a - b)).Average());

    [Fact]
    public void Cosine_Padding_IsTheMeanOverValidPositions() => Agrees(
        (s, t, _) => HiddenStateLoss.Cosine(s, t),
        (s, t, sample, position) =>
        {
            var (a, b) = (Row(s, sample, position), Row(t, sample, position));
            return 1 - (Dot(a, b) / Math.Sqrt(Dot(a, a) * Dot(b, b)));
        });

    // MiniLM, equations 6 to 8, with two relation heads.
    [Fact]
    public void Relations_Padding_IsKlOfRelationsAmongValidPositions() => Agrees(
        (s, t, mask) => HiddenStateLoss.Relations(s, t, mask, 2),
        (s, t, sample, position) => Enumerable.Range(0, 2).Average(head =>
        {
            double[] Relation(double[][] rows) => Softmax([.. Enumerable.Range(0, Lengths[sample]).Select(key =>
                Dot(Part(Row(rows, sample, position), head), Part(Row(rows, sample, key), head)) / Math.Sqrt(2))]);
            return Divergence(Relation(t), Relation(s));
        }));

    // TinyBERT, equation 7. A row is (head 0, head 1) of keys: [N, T, 2·3] stands for [N, 2, T, 3].
    [Fact]
    public void AttentionSquare_Padding_IsTheMeanOverHeadsAndValidKeys() => Agrees(
        (s, t, mask) => HiddenStateLoss.AttentionSquare(Heads(s), Heads(t), mask),
        (s, t, sample, position) => Enumerable.Range(0, 2).Average(head => Enumerable.Range(0, Lengths[sample]).Average(key =>
        {
            var difference = Row(s, sample, position)[(head * 3) + key] - Row(t, sample, position)[(head * 3) + key];
            return difference * difference;
        })),
        6);

    // MiniLM, equation 4.
    [Fact]
    public void AttentionDivergence_Probabilities_IsTheMeanOverHeads() => Agrees(
        (s, t, mask) => HiddenStateLoss.AttentionDivergence(Probabilities(s, mask), Probabilities(t, mask), mask),
        (s, t, sample, position) => Enumerable.Range(0, 2).Average(head =>
        {
            double[] Keys(double[][] rows) => Softmax(Row(rows, sample, position)[(head * 3)..((head * 3) + Lengths[sample])]);
            return Divergence(Keys(t), Keys(s));
        }),
        6);

    [Fact]
    public void AttentionSquare_InfiniteScoresInPadding_KeepsAFiniteGradient()
    {
        using var scope = NewDisposeScope();
        var mask = tensor([1.0, 1, 0], [1, 3]);
        var scores = randn([1, 2, 3, 3], ScalarType.Float64).masked_fill(mask.eq(0), double.NegativeInfinity);
        var student = scores.detach().clone().requires_grad_(true);
        HiddenStateLoss.OverPositions(HiddenStateLoss.AttentionSquare(student, scores * 2, mask), mask).Mean.backward();
        Assert.True(student.grad!.isfinite().all().item<bool>());
        Assert.True(student.grad!.abs().sum().item<double>() > 0);
    }

    [Fact]
    public void Relations_HeadsThatDoNotDivide_SaysSo()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("5 relation heads", Assert.Throws<ArgumentException>(() => HiddenStateLoss.Relations(zeros(1, 2, 4), zeros(1, 2, 6), null, 5)).Message, StringComparison.Ordinal);
    }

    private static void Agrees(Func<Tensor, Tensor, Tensor, Tensor> loss, Func<double[][], double[][], int, int, double> naive, int width = 4)
    {
        LossTerm Term(Tensor s, Tensor t)
        {
            var mask = tensor([1.0, 1, 1, 1, 1, 0], [2, 3]);
            return HiddenStateLoss.OverPositions(loss(s.reshape(2, 3, width), t.reshape(2, 3, width), mask), mask);
        }

        LossCheck.Agrees(
            Term, (s, t) => Valid.Average(place => naive(s, t, place.Sample, place.Position)), NaiveRows.Random(6, width, 8), NaiveRows.Random(6, width, 9));
    }

    private static Tensor Heads(Tensor rows) => rows.reshape(2, 3, 2, 3).transpose(1, 2);

    private static Tensor Probabilities(Tensor rows, Tensor mask) =>
        nn.functional.softmax(Heads(rows).masked_fill(mask.eq(0).unsqueeze(1).unsqueeze(1), double.NegativeInfinity), -1);

    private static double[] Row(double[][] rows, int sample, int position) => rows[(sample * 3) + position];

    private static double[] Part(double[] row, int head) => row[(head * 2)..((head * 2) + 2)];

    private static double Dot(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();
}
