using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Signals;

/// <summary>Runs a live network and collects its logits and the requested features.</summary>
public sealed class SignalReader(Network network, IEnumerable<string> features) : ISignalSource
{
    private readonly FeatureTaps _taps = new(network, features);

    /// <summary>The network that is read.</summary>
    public Network Network { get; } = network;

    /// <summary>The signals of a batch, owned by the current dispose scope, in whatever mode the network is.</summary>
    public ModelSignals Read(Batch batch)
    {
        _taps.Arm();
        var logits = Network.Logits(batch);
        var mask = Network.MaskOfLogits(logits, batch);
        return new ModelSignals(
            new Signal(logits) { Mask = mask },
            _taps.Take().ToDictionary(entry => entry.Key, entry => new Signal(entry.Value) { Mask = Network.MaskOf(entry.Key, batch) }));
    }

    /// <summary>The shapes of the signals for a batch; the network is run in evaluation mode without gradients.</summary>
    public SignalShapes Probe(Batch batch)
    {
        var training = Network.training;
        Network.eval();
        try
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            return SignalShapes.Of(Read(batch));
        }
        finally
        {
            Network.train(training);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _taps.Dispose();
}
