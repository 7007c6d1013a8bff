using DistillSharp.Config;

namespace DistillSharp.Export.Int8;

/// <summary>How the range of an activation is found from what it was on calibration samples.</summary>
public enum RangeRule
{
    /// <summary>From the smallest to the largest value.</summary>
    MinMax,

    /// <summary>Without the outermost values on each side.</summary>
    Percentile,

    /// <summary>Where the quantised histogram diverges least (KL) from the histogram (Migacz, 8-bit Inference with TensorRT, GTC 2017).</summary>
    Entropy,
}

/// <summary>How weights become eight bits.</summary>
public enum WeightBits
{
    /// <summary>Signed, −63 to 63. Two products of such weights with unsigned activations fit 16 bits, so that no processor saturates.</summary>
    Reduced,

    /// <summary>Signed, −127 to 127. For processors with VNNI; on AVX2 alone the sum of two products may saturate.</summary>
    Full,

    /// <summary>Unsigned around 128, ±127. Never saturates; slower on AVX2 than signed ones.</summary>
    Unsigned,
}

/// <summary>How a float network is made one of eight-bit integers.</summary>
public sealed record QuantisationOptions
{
    /// <summary>How activations' ranges are found.</summary>
    [Option("how the range of an activation is found")]
    public RangeRule Calibration { get; init; } = RangeRule.MinMax;

    /// <summary>Share of values kept within the range by <see cref="RangeRule.Percentile"/>.</summary>
    [Option("share of values within the range (percentile)", Min = 0.5, Max = 1)]
    public double Percentile { get; init; } = 0.9999;

    /// <summary>How weights become eight bits.</summary>
    [Option("how weights become eight bits")]
    public WeightBits Weights { get; init; } = WeightBits.Reduced;

    /// <summary>Largest quantised magnitude of a weight.</summary>
    internal int LargestWeight => Weights == WeightBits.Reduced ? 63 : 127;
}

/// <summary>What quantising did.</summary>
/// <param name="Layers">Convolutions and products of matrices that compute in integers.</param>
/// <param name="FloatLayers">Those that stay in float, since their weights are no constants.</param>
/// <param name="Activations">Tensors that are rounded between operations.</param>
/// <param name="Samples">Calibration samples.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="FloatBytes">Size of the float file.</param>
public sealed record QuantisationResult(int Layers, int FloatLayers, int Activations, int Samples, long Bytes, long FloatBytes);
