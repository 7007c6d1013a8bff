using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistillSharp.Losses.Logits;

/// <summary>A loss of single rows of logits and its gradient.</summary>
internal abstract class RowLoss
{
    /// <summary>A row's loss; keeps what <see cref="Gradient"/> needs.</summary>
    public abstract double Loss(int row, ReadOnlySpan<float> logits, ReadOnlySpan<float> other);

    /// <summary>Writes the gradient of a row's loss; after <see cref="Loss"/>.</summary>
    public abstract void Gradient(int row, ReadOnlySpan<float> logits, ReadOnlySpan<float> other, Span<float> gradient);
}

/// <summary>−log softmax at the label, the target smoothed to (1 − ε)·one-hot + ε/C (Szegedy et al., CVPR 2016, section 7); rows with a label below 0 have no loss.</summary>
internal sealed class CrossEntropyRows : RowLoss
{
    private readonly long[] _labels;
    private readonly float[] _logSums;
    private readonly float _smoothing;

    /// <exception cref="ArgumentException">A label is none of the classes.</exception>
    public CrossEntropyRows(long[] labels, int classes, double smoothing)
    {
        if (labels.Length > 0 && labels.Max() is var largest && largest >= classes)
        {
            throw new ArgumentException($"label {largest} is none of {classes} classes");
        }

        (_labels, _smoothing, _logSums) = (labels, (float)smoothing, new float[labels.Length]);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override double Loss(int row, ReadOnlySpan<float> logits, ReadOnlySpan<float> other)
    {
        if (_labels[row] < 0)
        {
            return 0;
        }

        var largest = TensorPrimitives.Max(logits);
        var (from, sum) = (Vector256.Create(largest), Vector256<float>.Zero);
        for (var i = 0; i < logits.Length; i += Lanes.Count)
        {
            sum += Lanes.Exp(Lanes.Read(logits, i) - from);
        }

        _logSums[row] = largest + MathF.Log(Vector256.Sum(sum));
        var mean = _smoothing == 0 ? 0 : TensorPrimitives.Sum(logits) / (double)logits.Length;
        return _logSums[row] - ((1.0 - _smoothing) * logits[(int)_labels[row]]) - (_smoothing * mean);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Gradient(int row, ReadOnlySpan<float> logits, ReadOnlySpan<float> other, Span<float> gradient)
    {
        if (_labels[row] < 0)
        {
            gradient.Clear();
            return;
        }

        var (logSum, even) = (Vector256.Create(_logSums[row]), Vector256.Create(_smoothing / logits.Length));
        for (var i = 0; i < logits.Length; i += Lanes.Count)
        {
            Lanes.Write(Lanes.Exp(Lanes.Read(logits, i) - logSum) - even, gradient, i);
        }

        gradient[(int)_labels[row]] -= 1 - _smoothing;
    }
}

/// <summary>T²·KL(softmax(other/T) ‖ softmax(logits/T)); rows that are not valid have no loss.</summary>
internal sealed class DivergenceRows(bool[]? isValid, int rows, double temperature) : RowLoss
{
    private readonly float[] _logSums = new float[rows];
    private readonly float[] _otherLogSums = new float[rows];
    private readonly Vector256<float> _inverse = Vector256.Create((float)(1 / temperature));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override double Loss(int row, ReadOnlySpan<float> logits, ReadOnlySpan<float> other)
    {
        if (isValid is not null && !isValid[row])
        {
            return 0;
        }

        var (largest, otherLargest) = (TensorPrimitives.Max(logits), TensorPrimitives.Max(other));
        var (from, otherFrom) = (Vector256.Create(largest), Vector256.Create(otherLargest));
        var (sum, otherSum, product) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        for (var i = 0; i < logits.Length; i += Lanes.Count)
        {
            var (own, target) = (Lanes.Read(logits, i), Lanes.Read(other, i));
            var weight = Lanes.Exp((target - otherFrom) * _inverse);
            sum += Lanes.Exp((own - from) * _inverse);
            otherSum += weight;
            product += weight * (target - own);
        }

        var (whole, inverse) = (Vector256.Sum(otherSum), _inverse[0]);
        _logSums[row] = (largest * inverse) + MathF.Log(Vector256.Sum(sum));
        _otherLogSums[row] = (otherLargest * inverse) + MathF.Log(whole);
        return temperature * temperature * ((Vector256.Sum(product) / (double)whole * inverse) - (_otherLogSums[row] - _logSums[row]));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Gradient(int row, ReadOnlySpan<float> logits, ReadOnlySpan<float> other, Span<float> gradient)
    {
        if (isValid is not null && !isValid[row])
        {
            gradient.Clear();
            return;
        }

        var (logSum, otherLogSum, scale) = (Vector256.Create(_logSums[row]), Vector256.Create(_otherLogSums[row]), Vector256.Create((float)temperature));
        for (var i = 0; i < logits.Length; i += Lanes.Count)
        {
            var probability = Lanes.Exp((Lanes.Read(logits, i) * _inverse) - logSum);
            Lanes.Write((probability - Lanes.Exp((Lanes.Read(other, i) * _inverse) - otherLogSum)) * scale, gradient, i);
        }
    }
}

/// <summary>Eight numbers of a row at once; behind its end stands what has no probability.</summary>
internal static class Lanes
{
    /// <summary>Numbers at once.</summary>
    public const int Count = 8;

    private const float Nothing = -1e30f;

    /// <summary>The numbers from <paramref name="start"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(ReadOnlySpan<float> row, int start) =>
        start + Count <= row.Length ? Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(row), (nuint)start) : ReadRest(row[start..]);

    /// <summary>Writes the numbers from <paramref name="start"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Vector256<float> values, Span<float> row, int start)
    {
        if (start + Count <= row.Length)
        {
            values.StoreUnsafe(ref MemoryMarshal.GetReference(row), (nuint)start);
        }
        else
        {
            WriteRest(values, row[start..]);
        }
    }

    /// <summary>eˣ to about 2⁻²³ of its value, 0 below −87: a polynomial of degree 6 on a range of log 2 (Moshier, Cephes, expf). Not for x above 88.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        var power = Vector256.Round(x * 1.44269504f);
        var rest = x - (power * 0.693359375f) - (power * -2.12194440e-4f);
        var polynomial = Vector256.Create(1.9875691500e-4f);
        polynomial = Vector256.MultiplyAddEstimate(polynomial, rest, Vector256.Create(1.3981999507e-3f));
        polynomial = Vector256.MultiplyAddEstimate(polynomial, rest, Vector256.Create(8.3334519073e-3f));
        polynomial = Vector256.MultiplyAddEstimate(polynomial, rest, Vector256.Create(4.1665795894e-2f));
        polynomial = Vector256.MultiplyAddEstimate(polynomial, rest, Vector256.Create(1.6666665459e-1f));
        polynomial = Vector256.MultiplyAddEstimate(polynomial, rest, Vector256.Create(5.0000001201e-1f));
        polynomial = Vector256.MultiplyAddEstimate(polynomial, rest * rest, rest + Vector256<float>.One);
        var scaled = (Vector256.ConvertToInt32Native(power) + Vector256.Create(127)) << 23;
        return polynomial * scaled.AsSingle() & Vector256.GreaterThan(x, Vector256.Create(-87f));
    }

    private static Vector256<float> ReadRest(ReadOnlySpan<float> rest)
    {
        Span<float> whole = stackalloc float[Count];
        whole.Fill(Nothing);
        rest.CopyTo(whole);
        return Vector256.Create<float>(whole);
    }

    private static void WriteRest(Vector256<float> values, Span<float> rest)
    {
        Span<float> whole = stackalloc float[Count];
        values.CopyTo(whole);
        whole[..rest.Length].CopyTo(rest);
    }
}
