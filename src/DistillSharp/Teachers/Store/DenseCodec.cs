using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>All numbers of an output, in float32, float16, or int8 with the middle and the step of each row.</summary>
/// <param name="shape">Shape of one sample's output.</param>
/// <param name="precision">How exactly.</param>
internal sealed class DenseCodec(IReadOnlyList<int> shape, StorePrecision precision) : RowCodec
{
    private const double LargestHalf = 65504;
    private const int Steps = 254;

    private readonly int _size = shape.Aggregate(1, (product, axis) => checked(product * axis));

    /// <inheritdoc/>
    public override int Bytes => precision switch
    {
        StorePrecision.Float32 => checked(4 * _size),
        StorePrecision.Float16 => checked(2 * _size),
        _ => checked(8 + _size),
    };

    /// <inheritdoc/>
    public override void Encode(Tensor values, ReadOnlySpan<long> ids, int view, Span<byte> rows, int stride, int offset)
    {
        var flat = values.reshape(values.shape[0], _size).contiguous();
        switch (precision)
        {
            case StorePrecision.Float32:
                Scatter(flat, rows, stride, offset);
                break;
            case StorePrecision.Float16:
                var largest = flat.abs().max().ToDouble();
                if (largest > LargestHalf)
                {
                    throw new InvalidDataException($"the teacher's outputs go up to {largest:G4}, which float16 cannot hold; set the store's precision to float32");
                }

                Scatter(flat.to(ScalarType.Float16), rows, stride, offset);
                break;
            default:
                var (low, high) = (flat.amin([1], keepdim: true), flat.amax([1], keepdim: true));
                var middle = (low + high) / 2;
                var step = (high - low) / Steps;
                Scatter(cat([middle, step], 1).contiguous(), rows, stride, offset);
                var whole = ((flat - middle) / step.clamp(min: 1e-30)).round().clamp(-Steps / 2, Steps / 2);
                Scatter(whole.to(ScalarType.Int8), rows, stride, offset + 8);
                break;
        }
    }

    /// <inheritdoc/>
    public override Tensor Decode(ReadOnlySpan<nint> rows, int offset)
    {
        long[] flat = [rows.Length, _size];
        long[] full = [rows.Length, .. shape];
        if (precision == StorePrecision.Int8)
        {
            var scales = empty([rows.Length, 2], ScalarType.Float32);
            Gather(rows, offset, 8, scales);
            var whole = empty(flat, ScalarType.Int8);
            Gather(rows, offset + 8, _size, whole);
            return whole.to(ScalarType.Float32).mul_(scales.narrow(1, 1, 1)).add_(scales.narrow(1, 0, 1)).reshape(full);
        }

        var values = empty(full, precision == StorePrecision.Float32 ? ScalarType.Float32 : ScalarType.Float16);
        Gather(rows, offset, Bytes, values);
        return values.to(ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override double Excess(Tensor stored, Tensor computed)
    {
        using var scope = NewDisposeScope();
        // Half a step of rounding twice, and what another batch size or engine changes in float32.
        var allowed = precision switch { StorePrecision.Float32 => 0.001, StorePrecision.Float16 => 0.002, _ => 2.0 / Steps };
        var (a, b) = (stored.reshape(stored.shape[0], _size), computed.reshape(computed.shape[0], _size));
        var size = b.abs().amax([1], keepdim: true).clamp(min: 1e-3);
        return (((a - b).abs() / size).max() - allowed).ToDouble();
    }
}
