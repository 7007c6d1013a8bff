using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>
/// Names of the rows of sequences: one for each position, made of the source and of the target's tokens before it, which is all that a
/// teacher's distribution there depends on. Originals and what a teacher wrote need no stores of their own, and a prefix that occurs twice has one row.
/// </summary>
internal static class SequenceRows
{
    private const ulong Source = 0x50C3;

    /// <summary>Rows of all positions [N·T] of a batch, and which of them are valid; padding has the row of its target's first position.</summary>
    public static (long[] Ids, bool[] IsValid) Of(Batch batch)
    {
        using var scope = NewDisposeScope();
        var (sources, prefixes) = (Numbers(batch.Input), Numbers(batch.Inputs[Batch.DecoderInput]));
        var (lengths, valid) = (Numbers(batch.Lengths[Batch.DefaultInput]), Numbers(batch.Lengths[Batch.DecoderInput]));
        var (width, positions) = (sources.Length / batch.Count, prefixes.Length / batch.Count);
        var (ids, isValid) = (new long[prefixes.Length], new bool[prefixes.Length]);
        for (var row = 0; row < batch.Count; row++)
        {
            var key = Source;
            for (var i = 0; i < lengths[row]; i++)
            {
                key = StableRandom.Key(key, (ulong)sources[(row * width) + i], 1);
            }

            for (var position = 0; position < positions; position++)
            {
                var place = (row * positions) + position;
                isValid[place] = position < valid[row];
                key = isValid[place] ? StableRandom.Key(key, (ulong)prefixes[place], 2) : key;
                ids[place] = isValid[place] ? unchecked((long)key) : ids[row * positions];
            }
        }

        return (ids, isValid);
    }

    private static long[] Numbers(Tensor tensor) => tensor.cpu().contiguous().data<long>().ToArray();
}
