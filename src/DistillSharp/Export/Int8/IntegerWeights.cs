using DistillSharp.Export.Onnx;

namespace DistillSharp.Export.Int8;

/// <summary>Weights of one layer as eight-bit integers with a scale an output channel.</summary>
/// <param name="Values">The integers as bytes, in the order of the float weights.</param>
/// <param name="Scales">Scale of each output channel.</param>
/// <param name="Axis">The axis of output channels.</param>
internal sealed record IntegerWeights(byte[] Values, float[] Scales, int Axis)
{
    private const double LargestBias = 1 << 30;

    /// <summary>Rounds weights symmetrically.</summary>
    /// <param name="weight">Float weights.</param>
    /// <param name="axis">The axis of output channels.</param>
    /// <param name="bias">Bias of each channel, whose integers must fit 32 bits; null for none.</param>
    /// <param name="inputScale">Scale of the layer's input.</param>
    /// <param name="options">How many bits, and their sign.</param>
    public static IntegerWeights Of(OnnxConstant weight, int axis, float[]? bias, float inputScale, QuantisationOptions options)
    {
        var values = weight.Floats();
        var inner = 1;
        for (var i = axis + 1; i < weight.Shape.Length; i++)
        {
            inner *= (int)weight.Shape[i];
        }

        var channels = (int)weight.Shape[axis];
        var largest = new float[channels];
        for (var i = 0; i < values.Length; i++)
        {
            var channel = i / inner % channels;
            largest[channel] = Math.Max(largest[channel], Math.Abs(values[i]));
        }

        var scales = new float[channels];
        for (var channel = 0; channel < channels; channel++)
        {
            // Of weights that are all zero the scale is the bias's alone, which is as fine as its 32 bits allow.
            var finest = bias is null ? 0 : (float)(Math.Abs(bias[channel]) / (inputScale * LargestBias));
            var own = Math.Max(largest[channel] / options.LargestWeight, finest);
            scales[channel] = own > 0 ? own : 1;
        }

        var offset = options.Weights == WeightBits.Unsigned ? 128 : 0;
        var bytes = new byte[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var integer = (int)Math.Round(values[i] / scales[i / inner % channels], MidpointRounding.ToEven);
            bytes[i] = unchecked((byte)(Math.Clamp(integer, -options.LargestWeight, options.LargestWeight) + offset));
        }

        return new IntegerWeights(bytes, scales, axis);
    }

    /// <summary>A bias as integers of the product of the input's and the weights' scales.</summary>
    public int[] Bias(float[] bias, float inputScale) =>
        [.. bias.Select((value, channel) => (int)Math.Clamp(Math.Round(value / ((double)inputScale * Scales[channel]), MidpointRounding.ToEven), int.MinValue, int.MaxValue))];
}
