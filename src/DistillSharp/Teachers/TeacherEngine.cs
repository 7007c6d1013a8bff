namespace DistillSharp.Teachers;

/// <summary>What runs the forward passes of a teacher that is a network.</summary>
public enum TeacherEngine
{
    /// <summary>ONNX Runtime where it is faster here and gives the same, else torch.</summary>
    Auto,

    /// <summary>libtorch.</summary>
    Torch,

    /// <summary>ONNX Runtime, from an export of the network; an error where that cannot be.</summary>
    Onnxruntime,
}

/// <summary>Which engine runs a teacher, and what was measured to choose it.</summary>
/// <param name="Engine"><see cref="TeacherEngine.Torch"/> or <see cref="TeacherEngine.Onnxruntime"/>.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record EngineChoice(TeacherEngine Engine, string Reason)
{
    /// <summary>Median milliseconds of torch's pass over a batch; null where it was not timed.</summary>
    public double? TorchMilliseconds { get; init; }

    /// <summary>Median milliseconds of ONNX Runtime's pass over the same batch; null where it was not timed.</summary>
    public double? OnnxruntimeMilliseconds { get; init; }

    /// <summary>Largest difference of any logit or feature value between the engines; null where they were not compared.</summary>
    public double? LargestDifference { get; init; }

    /// <summary>Samples in the batch that was timed.</summary>
    public int BatchSize { get; init; }

    /// <summary>Threads of one operation while it was timed.</summary>
    public int Threads { get; init; }

    /// <summary>Features that were computed with the logits.</summary>
    public IReadOnlyList<string> Features { get; init; } = [];
}
