using System.Buffers.Binary;
using DistillSharp.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>Class numbers in as few bytes as they fit in.</summary>
internal static class ClassNumbers
{
    /// <summary>Bytes of one.</summary>
    public static int Width(int classes) => classes <= ushort.MaxValue + 1 ? 2 : 4;

    /// <summary>Writes one.</summary>
    public static void Write(Span<byte> target, int width, int value)
    {
        if (width == 2)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)value);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(target, value);
        }
    }

    /// <summary>Reads <paramref name="count"/> of every row as int64 [N, count].</summary>
    /// <exception cref="InvalidDataException">One is not below <paramref name="classes"/>.</exception>
    public static unsafe Tensor Read(ReadOnlySpan<nint> rows, int offset, int count, int classes)
    {
        var width = Width(classes);
        var numbers = new long[rows.Length * count];
        for (var i = 0; i < numbers.Length; i++)
        {
            var source = (byte*)rows[i / count] + offset + (i % count * width);
            numbers[i] = width == 2 ? *(ushort*)source : BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(source, 4));
            if ((ulong)numbers[i] >= (ulong)classes)
            {
                throw new InvalidDataException($"a stored row names class {numbers[i]} of {classes}");
            }
        }

        return tensor(numbers, [rows.Length, count]);
    }
}

/// <summary>
/// The k largest logits and the mass of all others, as the logit t = T·log Σ exp(z/T) over them. Read back, each of the others has the
/// logit t − T·log(C − k): the mass is right at the temperature T, and its spread over the others is even.
/// </summary>
internal sealed class TopKCodec(int classes, int k, StorePrecision precision, double temperature) : RowCodec
{
    private const int TailBytes = 4;

    private readonly DenseCodec _values = new([k], precision);

    /// <inheritdoc/>
    public override int Bytes => TailBytes + _values.Bytes + (k * ClassNumbers.Width(classes));

    /// <inheritdoc/>
    public override void Encode(Tensor values, ReadOnlySpan<long> ids, int view, Span<byte> rows, int stride, int offset)
    {
        var (largest, indices) = values.topk(k, 1);
        var others = (values / temperature).scatter(1, indices, full_like(largest, double.NegativeInfinity));
        Scatter((others.logsumexp(1, keepdim: true) * temperature).contiguous(), rows, stride, offset);
        _values.Encode(largest, ids, view, rows, stride, offset + TailBytes);
        var (width, numbers) = (ClassNumbers.Width(classes), indices.data<long>().ToArray());
        for (var i = 0; i < numbers.Length; i++)
        {
            ClassNumbers.Write(rows[((i / k * stride) + offset + TailBytes + _values.Bytes + (i % k * width))..], width, (int)numbers[i]);
        }
    }

    /// <inheritdoc/>
    public override Tensor Decode(ReadOnlySpan<nint> rows, int offset)
    {
        var tail = empty([rows.Length, 1], ScalarType.Float32);
        Gather(rows, offset, TailBytes, tail);
        var values = _values.Decode(rows, offset + TailBytes);
        var indices = ClassNumbers.Read(rows, offset + TailBytes + _values.Bytes, k, classes);
        return (tail - (temperature * Math.Log(classes - k))).expand(rows.Length, classes).contiguous().scatter_(1, indices, values);
    }

    /// <inheritdoc/>
    public override double Excess(Tensor stored, Tensor computed) =>
        Probabilities.Difference(stored, computed, temperature) - (precision == StorePrecision.Int8 ? 0.05 : 0.01);
}

/// <summary>
/// Classes drawn from the teacher's distribution at temperature T, independently and with a seed of the row. Read back, the share of
/// draws is the class's probability: its mean over draws is the teacher's, so that the gradient of the cross-entropy is unbiased
/// (Anshumann et al., Sparse Logit Sampling, ACL 2025). The logits are T·log(share), and −1000·T for a class that was not drawn.
/// </summary>
internal sealed class SampleCodec(int classes, int samples, double temperature) : RowCodec
{
    private const double Absent = -1000;
    private const ulong Draw = 0xD1CE;

    /// <inheritdoc/>
    public override int Bytes => samples * ClassNumbers.Width(classes);

    /// <inheritdoc/>
    public override void Encode(Tensor values, ReadOnlySpan<long> ids, int view, Span<byte> rows, int stride, int offset)
    {
        var width = ClassNumbers.Width(classes);
        var sums = (values.to(ScalarType.Float64) / temperature).softmax(1).cumsum(1).contiguous().data<double>().ToArray();
        for (var i = 0; i < ids.Length; i++)
        {
            var random = new StableRandom(StableRandom.Key(Draw, (ulong)view, unchecked((ulong)ids[i])));
            var row = sums.AsSpan(i * classes, classes);
            for (var draw = 0; draw < samples; draw++)
            {
                var found = row.BinarySearch(random.Unit() * row[^1]);
                // The first class whose cumulative probability is above the drawn number.
                var drawn = Math.Min(classes - 1, found < 0 ? ~found : found + 1);
                ClassNumbers.Write(rows[((i * stride) + offset + (draw * width))..], width, drawn);
            }
        }
    }

    /// <inheritdoc/>
    public override Tensor Decode(ReadOnlySpan<nint> rows, int offset)
    {
        var indices = ClassNumbers.Read(rows, offset, samples, classes);
        // Rows may be as wide as a vocabulary: they are written once, and what was drawn is counted by itself.
        var counts = indices.unsqueeze(2).eq(indices.unsqueeze(1)).sum(2).to(ScalarType.Float32);
        return full([rows.Length, classes], Absent * temperature, ScalarType.Float32).scatter_(1, indices, (counts / samples).log() * temperature);
    }

    /// <inheritdoc/>
    public override double Excess(Tensor stored, Tensor computed) => Probabilities.Difference(stored, computed, temperature) - (3.0 / samples);
}

/// <summary>Compares distributions.</summary>
internal static class Probabilities
{
    /// <summary>The largest difference of a class's probability.</summary>
    public static double Difference(Tensor first, Tensor second, double temperature)
    {
        using var scope = NewDisposeScope();
        return ((first / temperature).softmax(1) - (second / temperature).softmax(1)).abs().max().ToDouble();
    }
}
