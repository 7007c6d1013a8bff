using static TorchSharp.torch;

namespace DistillSharp.Signals;

/// <summary>A tensor that a method may see, with what is needed to read it right.</summary>
/// <param name="Value">Logits [N, C] or [N, T, V]; feature maps [N, C, H, W]; embeddings [N, D]; hidden states [N, T, D].</param>
public sealed record Signal(Tensor Value)
{
    /// <summary>1 at valid positions [N, T] (the value's type); null where every position is valid.</summary>
    public Tensor? Mask { get; init; }
}

/// <summary>What one model said about a batch.</summary>
/// <param name="Logits">Its output.</param>
/// <param name="Features">The requested feature points by name.</param>
public sealed record ModelSignals(Signal Logits, IReadOnlyDictionary<string, Signal> Features)
{
    /// <summary>What it said about the turned views of the same samples (<see cref="RotatedViews"/>); null where no method asked for them.</summary>
    public ModelSignals? Rotated { get; init; }
}

/// <summary>Shapes of one model's signals for a batch, with the batch axis first.</summary>
/// <param name="Logits">Shape of the logits.</param>
/// <param name="Features">Shape of every requested feature point.</param>
public sealed record SignalShapes(IReadOnlyList<long> Logits, IReadOnlyDictionary<string, IReadOnlyList<long>> Features)
{
    /// <summary>The shapes of signals that were read.</summary>
    public static SignalShapes Of(ModelSignals signals) => new(
        signals.Logits.Value.shape,
        signals.Features.ToDictionary(entry => entry.Key, entry => (IReadOnlyList<long>)entry.Value.Value.shape));
}
