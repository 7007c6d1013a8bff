using DistillSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Models;

/// <summary>Dropout's distribution, in numbers that independent draws of that probability must lie between.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class InvertedDropoutTests
{
    [Theory]
    [InlineData(0.01)]
    [InlineData(0.2)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void Fill_EveryPositionAndEveryNeighbour_IsDroppedIndependently(double dropped)
    {
        const int Rows = 4000;
        const int Columns = 203;
        var kept = (float)(1 / (1 - dropped));
        var values = new float[Rows * Columns];
        for (var row = 0; row < Rows; row++)
        {
            InvertedDropout.Fill(values.AsSpan(row * Columns, Columns), (ulong)row, dropped);
        }

        Assert.DoesNotContain(values, value => value != 0 && value != kept);
        // Five deviations of a share; among the 203 positions and the pairs below no honest one lies beyond.
        AssertShare(dropped, values.Count(value => value == 0), values.Length);
        for (var column = 0; column < Columns; column++)
        {
            AssertShare(dropped, Enumerable.Range(0, Rows).Count(row => values[(row * Columns) + column] == 0), Rows);
        }

        foreach (var distance in new[] { 1, 2, 4, 7, 8, 16, Columns })
        {
            var pairs = values.Length - distance;
            AssertShare(dropped * dropped, Enumerable.Range(0, pairs).Count(i => values[i] == 0 && values[i + distance] == 0), pairs, correlated: true);
        }
    }

    [Fact]
    public void Forward_InTraining_DropsAsManyAsLibtorchAndKeepsTheMean()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var input = ones(512, 400);
        var own = new InvertedDropout(0.3).call(input);
        var libtorch = nn.functional.dropout(input, 0.3);

        Assert.Equal(libtorch.max().ToSingle(), own.max().ToSingle());
        Assert.InRange(own.eq(0).to(ScalarType.Float64).mean().ToDouble(), 0.295, 0.305);
        Assert.InRange(own.mean().ToDouble(), 0.99, 1.01);
    }

    [Fact]
    public void Forward_SameSeed_DropsTheSameAndAnotherCallOthers()
    {
        using var scope = NewDisposeScope();
        var dropout = new InvertedDropout(0.5);
        var input = rand(8, 33) + 1;
        random.manual_seed(11);
        var (first, second) = (dropout.call(input), dropout.call(input));
        random.manual_seed(11);
        var again = dropout.call(input);

        Assert.True(first.eq(again).all().ToBoolean());
        Assert.False(first.eq(second).all().ToBoolean());
    }

    [Fact]
    public void Backward_GivesTheGradientOfWhatWasKept()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        var input = (rand(6, 19) + 1).detach().requires_grad_();
        var output = new InvertedDropout(0.4).call(input);
        output.sum().backward();

        var kept = output.ne(0).to(ScalarType.Float32) / 0.6f;
        Assert.True(input.grad!.allclose(kept));
        Assert.True(output.allclose(input * kept));
    }

    [Fact]
    public void Forward_InEvaluationOrWithoutProbability_IsTheInputInATensorOfItsOwn()
    {
        using var scope = NewDisposeScope();
        var input = rand(3, 4);
        var evaluated = new InvertedDropout(0.9);
        evaluated.eval();
        foreach (var output in new[] { evaluated.call(input), new InvertedDropout(0).call(input) })
        {
            Assert.True(output.eq(input).all().ToBoolean());
            output.Dispose();
        }

        Assert.Equal(12, input.numel());
    }

    private static void AssertShare(double expected, int count, int of, bool correlated = false)
    {
        // Neighbouring pairs share a value, which widens the deviation of their share.
        var deviation = Math.Sqrt(expected * (1 - expected) / of) * (correlated ? 2 : 1);
        Assert.InRange((double)count / of, expected - (5 * deviation) - (1.0 / of), expected + (5 * deviation) + (1.0 / of));
    }
}
