using static TorchSharp.torch;

namespace DistillSharp.Losses;

/// <summary>The precision that losses are computed in.</summary>
public static class LossPrecision
{
    /// <summary>float16 and bfloat16 as float32; float32 and float64 as they are.</summary>
    public static Tensor Widen(Tensor tensor) =>
        tensor.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? tensor.to(ScalarType.Float32) : tensor;
}
