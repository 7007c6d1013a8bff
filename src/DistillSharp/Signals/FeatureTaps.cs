using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Signals;

/// <summary>
/// Watches named feature points of one network. Between <see cref="Arm"/> and <see cref="Take"/> a forward pass must reach every
/// point exactly once; other passes (evaluation) are not looked at. Disposing removes the hooks.
/// </summary>
public sealed class FeatureTaps : IDisposable
{
    private readonly List<Action> _removals = [];
    private readonly Dictionary<string, Tensor> _seen = [];
    private readonly Dictionary<string, int> _extraFires = [];
    private readonly string[] _names;
    private readonly string _network;
    private bool _armed;

    /// <summary>Hooks <paramref name="names"/> of <paramref name="network"/>.</summary>
    /// <exception cref="ArgumentException">A point does not exist, or its module's type cannot be tapped.</exception>
    public FeatureTaps(Network network, IEnumerable<string> names)
    {
        _names = [.. names.Distinct()];
        _network = network.GetName();
        foreach (var name in _names)
        {
            Attach(network, network.FindFeature(name));
        }
    }

    /// <summary>Watches the coming forward pass, forgetting what an earlier one that failed may have left.</summary>
    public void Arm()
    {
        Forget();
        _armed = true;
    }

    /// <summary>The features of the forward pass since <see cref="Arm"/>, owned by the current dispose scope.</summary>
    /// <exception cref="InvalidOperationException">A tap did not fire, or fired more than once.</exception>
    public IReadOnlyDictionary<string, Tensor> Take()
    {
        _armed = false;
        var missing = _names.Where(name => !_seen.ContainsKey(name)).ToList();
        var repeated = _extraFires.Keys.ToList();
        var taken = new Dictionary<string, Tensor>(_seen);
        _seen.Clear();
        _extraFires.Clear();
        foreach (var tensor in taken.Values)
        {
            CurrentDisposeScope?.Attach(tensor);
        }

        if (missing.Count > 0)
        {
            throw new InvalidOperationException(
                $"{_network}: feature {string.Join(", ", missing)} never fired in a forward pass. Its module must be reached through call(), not forward().");
        }

        return repeated.Count == 0
            ? taken
            : throw new InvalidOperationException(
                $"{_network}: feature {string.Join(", ", repeated)} fired more than once in a forward pass. Tap a module that is used once, such as the block around it.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var remove in _removals)
        {
            remove();
        }

        _removals.Clear();
        Forget();
    }

    private void Forget()
    {
        foreach (var tensor in _seen.Values)
        {
            tensor.Dispose();
        }

        _seen.Clear();
        _extraFires.Clear();
    }

    private void Attach(Network network, FeaturePoint point)
    {
        var found = network.named_modules().FirstOrDefault(module => module.name == point.ModulePath).module;
        if (found is not nn.Module<Tensor, Tensor> module)
        {
            throw new ArgumentException(found is null
                ? $"{_network}: feature point `{point.Name}` names the module `{point.ModulePath}`, which does not exist"
                : $"{_network}: the module `{point.ModulePath}` of feature point `{point.Name}` does not map one tensor to one tensor");
        }

        if (point.Side == FeatureSide.Output)
        {
            var hook = module.register_forward_hook((_, _, output) => Keep(point.Name, output));
            _removals.Add(hook.remove);
        }
        else
        {
            var hook = module.register_forward_pre_hook((_, input) => Keep(point.Name, input));
            _removals.Add(hook.remove);
        }
    }

    private Tensor Keep(string name, Tensor tensor)
    {
        if (!_armed)
        {
            return tensor;
        }

        if (_seen.ContainsKey(name))
        {
            _extraFires[name] = 1;
        }
        else
        {
            // Sequential disposes its intermediates and inner scopes theirs: an alias that belongs to no scope outlives both.
            _seen[name] = tensor.alias().DetachFromDisposeScope();
        }

        return tensor;
    }
}
