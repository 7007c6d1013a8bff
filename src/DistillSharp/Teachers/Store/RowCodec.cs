using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>How one output of the teacher is kept in a row: always the same number of bytes, so that rows can be found by number.</summary>
internal abstract class RowCodec
{
    /// <summary>Bytes in a row.</summary>
    public abstract int Bytes { get; }

    /// <summary>Writes the outputs [N, …] (float32) of N samples into N rows.</summary>
    /// <param name="values">The teacher's outputs.</param>
    /// <param name="ids">Sample ids.</param>
    /// <param name="view">Their view.</param>
    /// <param name="rows">Where the rows go; row i begins at i·stride and this output at <paramref name="offset"/> in it.</param>
    /// <param name="stride">Bytes of a whole row.</param>
    /// <param name="offset">Where in a row.</param>
    public abstract void Encode(Tensor values, ReadOnlySpan<long> ids, int view, Span<byte> rows, int stride, int offset);

    /// <summary>The outputs [N, …] (float32) of N rows, owned by the current dispose scope.</summary>
    /// <param name="rows">Addresses of the rows.</param>
    /// <param name="offset">Where in a row.</param>
    public abstract Tensor Decode(ReadOnlySpan<nint> rows, int offset);

    /// <summary>How far two decoded outputs may lie apart for the same teacher, by what the bytes can tell: the largest excess over what is allowed, at most 0 where they agree.</summary>
    public abstract double Excess(Tensor stored, Tensor computed);

    /// <summary>Copies the same part of every row into a contiguous CPU tensor.</summary>
    protected static unsafe void Gather(ReadOnlySpan<nint> rows, int offset, int bytes, Tensor target)
    {
        var span = target.bytes;
        for (var i = 0; i < rows.Length; i++)
        {
            new ReadOnlySpan<byte>((byte*)rows[i] + offset, bytes).CopyTo(span.Slice(i * bytes, bytes));
        }
    }

    /// <summary>Copies a contiguous CPU tensor [N, …] into the same part of every row.</summary>
    protected static void Scatter(Tensor source, Span<byte> rows, int stride, int offset)
    {
        var span = source.bytes;
        var count = (int)source.shape[0];
        var bytes = span.Length / count;
        for (var i = 0; i < count; i++)
        {
            span.Slice(i * bytes, bytes).CopyTo(rows.Slice((i * stride) + offset, bytes));
        }
    }
}
