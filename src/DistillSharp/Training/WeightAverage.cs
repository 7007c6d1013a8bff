using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// Exponential moving average of a network's weights (Polyak averaging): shadow = decay·shadow + (1 − decay)·weight after each step.
/// Buffers (batch-norm statistics) are averages already and are taken as they are.
/// </summary>
public sealed class WeightAverage : IDisposable
{
    private const string CompanionPrefix = "companions.";

    private readonly (string Name, Parameter Parameter)[] _parameters;
    private readonly Tensor[] _current;
    private readonly Tensor[] _shadow;
    private readonly double _decay;

    /// <summary>Starts at the current weights.</summary>
    /// <param name="network">The network.</param>
    /// <param name="decay">Share of itself that an average keeps in a step.</param>
    /// <param name="companions">What is trained and deployed with the network, averaged under names of its own; null for nothing.</param>
    public WeightAverage(nn.Module network, double decay, nn.Module? companions = null)
    {
        using var noGradient = no_grad();
        _decay = decay;
        var deployed = companions?.named_parameters().Where(entry => entry.parameter.requires_grad).Select(entry => (CompanionPrefix + entry.name, entry.parameter));
        _parameters = [.. network.named_parameters(), .. deployed ?? []];
        _current = [.. _parameters.Select(entry => (Tensor)entry.Parameter)];
        _shadow = [.. _current.Select(tensor => tensor.clone().DetachFromDisposeScope())];
    }

    /// <summary>The averaged weights by parameter name.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => _parameters.Select((entry, i) => (entry.Name, _shadow[i]));

    /// <summary>Takes in the weights after a step.</summary>
    public void Update()
    {
        using var noGradient = no_grad();
        FusedKernels.Average(_shadow, _current, _decay);
    }

    /// <summary>Exchanges the network's weights and the averaged ones; calling it twice changes nothing.</summary>
    public void Swap()
    {
        using var noGradient = no_grad();
        for (var i = 0; i < _shadow.Length; i++)
        {
            using var held = _current[i].clone();
            _current[i].copy_(_shadow[i]);
            _shadow[i].copy_(held);
        }
    }

    /// <summary>Overwrites the averages with what <see cref="State"/> gave in an earlier process.</summary>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        using var noGradient = no_grad();
        foreach (var (name, value) in State)
        {
            value.copy_(state.TryGetValue(name, out var saved) ? saved : throw new ArgumentException($"the checkpoint's averaged weights lack {name}"));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _shadow)
        {
            tensor.Dispose();
        }
    }
}
