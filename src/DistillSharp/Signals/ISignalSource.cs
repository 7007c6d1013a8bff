using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Signals;

/// <summary>Gives a model's logits and the features it was opened for, batch by batch: a live network, a file, an ensemble.</summary>
public interface ISignalSource : IDisposable
{
    /// <summary>The signals of a batch, owned by the current dispose scope.</summary>
    ModelSignals Read(Batch batch);

    /// <summary>The shapes of the signals for a batch, without gradients and without changing the source.</summary>
    SignalShapes Probe(Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return SignalShapes.Of(Read(batch));
    }
}
