using static TorchSharp.torch;

namespace DistillSharp.Sequences;

/// <summary>Sequences of any lengths as one tensor.</summary>
internal static class PaddedRows
{
    /// <summary>Sequences as rows [N, longest], at least one column, filled up at their ends.</summary>
    public static Tensor Of(IReadOnlyList<int[]> sequences, long fill)
    {
        var columns = Math.Max(1, sequences.Max(sequence => sequence.Length));
        var values = new long[sequences.Count * columns];
        Array.Fill(values, fill);
        foreach (var (row, sequence) in sequences.Index())
        {
            Array.ConvertAll(sequence, token => (long)token).CopyTo(values, row * columns);
        }

        return tensor(values, [sequences.Count, columns]);
    }
}
