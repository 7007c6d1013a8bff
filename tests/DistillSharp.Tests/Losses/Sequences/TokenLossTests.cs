using DistillSharp.Losses.Sequences;
using static DistillSharp.Tests.Losses.NaiveRows;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Sequences;

public sealed class TokenLossTests
{
    // Two sequences of three positions; the last two of the second are padding.
    private static readonly double[] Mask = [1, 1, 1, 1, 0, 0];
    private static readonly double[][] Teacher = NaiveRows.Random(6, 4, 6);

    [Fact]
    public void SoftTarget_Padding_IsTheMeanOverValidPositions() => LossCheck.Agrees(
        (s, t) => TokenLoss.SoftTarget(s.reshape(2, 3, 4), t.reshape(2, 3, 4), tensor(Mask).reshape(2, 3), 2),
        (s, t) => Enumerable.Range(0, 4).Average(i => 4 * Divergence(Softmax(t[i], 2), Softmax(s[i], 2))),
        NaiveRows.Random(6, 4, 5), Teacher);

    [Fact]
    public void JensenShannon_Padding_IsTheMeanOverValidPositions() => LossCheck.Agrees(
        (s, t) => TokenLoss.JensenShannon(s.reshape(2, 3, 4), t.reshape(2, 3, 4), tensor(Mask).reshape(2, 3), 0.25, 1),
        (s, t) => Enumerable.Range(0, 4).Average(i =>
        {
            var (q, p) = (Softmax(s[i]), Softmax(t[i]));
            var mix = p.Zip(q, (a, b) => (0.25 * a) + (0.75 * b)).ToArray();
            return (0.25 * Divergence(p, mix)) + (0.75 * Divergence(q, mix));
        }),
        NaiveRows.Random(6, 4, 5), Teacher);

    [Fact]
    public void SoftTarget_InfinitePadding_AddsNothing()
    {
        using var scope = NewDisposeScope();
        var (s, t) = (LossCheck.Matrix(NaiveRows.Random(6, 4, 5)).reshape(2, 3, 4), LossCheck.Matrix(Teacher).reshape(2, 3, 4));
        var mask = tensor(Mask).reshape(2, 3);
        var expected = TokenLoss.SoftTarget(s, t, mask, 1).Mean.item<double>();
        var spoiled = s.masked_fill(mask.eq(0).unsqueeze(-1), double.PositiveInfinity);
        Assert.Equal(expected, TokenLoss.SoftTarget(spoiled, t, mask, 1).Mean.item<double>());
        Assert.Equal(0, TokenLoss.SoftTarget(s, t, zeros_like(mask), 1).Mean.item<double>());
    }
}
