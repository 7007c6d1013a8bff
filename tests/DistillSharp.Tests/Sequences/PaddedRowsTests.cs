using DistillSharp.Sequences;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Sequences;

public sealed class PaddedRowsTests
{
    [Fact]
    public void Of_SequencesOfSeveralLengths_AreFilledUpAtTheirEnds()
    {
        using var scope = NewDisposeScope();
        var rows = PaddedRows.Of([[5, 6], [], [7]], -1);

        Assert.Equal([3, 2], rows.shape);
        Assert.Equal([5, 6, -1, -1, 7, -1], rows.data<long>().ToArray());
        Assert.Equal([1, 1], PaddedRows.Of([[]], 0).shape);
    }
}
