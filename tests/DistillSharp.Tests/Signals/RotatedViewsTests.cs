using DistillSharp.Data;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Signals;

public sealed class RotatedViewsTests
{
    [Fact]
    public void Read_EveryView_IsTheSampleAfterQuarterTurns()
    {
        using var scope = NewDisposeScope();
        var input = arange(2 * 1 * 3 * 3, ScalarType.Float32).reshape(2, 1, 3, 3);
        var batch = Batch.Of(input, tensor(new long[] { 4, 5 }), [7, 9]);
        using var source = new Pixels();
        var signals = RotatedViews.Read(source, batch);

        Assert.Equal(input.data<float>().ToArray(), signals.Logits.Value.contiguous().data<float>().ToArray());
        var turned = signals.Rotated!.Features["pixels"].Value;
        Assert.Equal([6, 1, 3, 3], turned.shape);
        for (var turns = 1; turns <= 3; turns++)
        {
            for (var sample = 0; sample < 2; sample++)
            {
                for (var (y, x, i) = (0, 0, 0); i < 9; i++, y = i / 3, x = i % 3)
                {
                    // A quarter turn to the left: what was at the right edge is on top.
                    var (fromY, fromX) = turns switch { 1 => (x, 2 - y), 2 => (2 - y, 2 - x), _ => (2 - x, y) };
                    Assert.Equal(input[sample, 0, fromY, fromX].item<float>(), turned[((turns - 1) * 2) + sample, 0, y, x].item<float>());
                }
            }
        }

        Assert.Equal([4, 5, 4, 5, 4, 5, 4, 5], source.Seen!);
    }

    [Fact]
    public void Require_NoSquareImages_SaysWhatTheyAre()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("[2, 1, 3, 4]", Assert.Throws<ArgumentException>(() => RotatedViews.Require(Batch.Of(zeros(2, 1, 3, 4), null, [0, 1]), "sskd")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RotatedViews.Require(Batch.Of(zeros(2, 9), null, [0, 1]), "sskd"));
        RotatedViews.Require(Batch.Of(zeros(2, 1, 3, 3), null, [0, 1]), "sskd");
    }

    private sealed class Pixels : ISignalSource
    {
        public long[]? Seen { get; private set; }

        public ModelSignals Read(Batch batch)
        {
            Seen = batch.Targets!.data<long>().ToArray();
            return new ModelSignals(new Signal(batch.Input), new Dictionary<string, Signal> { ["pixels"] = new(batch.Input) });
        }

        public void Dispose()
        {
        }
    }
}
