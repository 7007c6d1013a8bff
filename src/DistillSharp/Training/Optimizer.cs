using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// SGD, Adam and AdamW over named parameters, with all state in named tensors so that a checkpoint holds it. Parameters of
/// fewer than two axes (biases, normalisation) get no weight decay. Gradients are kept allocated and zeroed by each step.
/// </summary>
public sealed class Optimizer : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly Group[] _groups;
    private readonly Tensor[] _gradients;
    private bool _first = true;

    /// <summary>Takes over the gradients of <paramref name="parameters"/>.</summary>
    public Optimizer(IReadOnlyList<(string Name, Parameter Parameter)> parameters, TrainingOptions options)
    {
        _options = options;
        _groups =
        [
            .. parameters
                .GroupBy(entry => entry.Parameter.dim() >= 2)
                .OrderByDescending(group => group.Key)
                .Select(group => new Group([.. group], group.Key ? options.WeightDecay : 0, options)),
        ];
        _gradients = [.. _groups.SelectMany(group => group.Gradients)];
    }

    /// <summary>The state by name: <c>momentum.…</c>, or <c>first.…</c>, <c>second.…</c>, <c>steps.…</c>.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => _groups.SelectMany(group => group.State);

    /// <summary>Scales all gradients so that their joint norm is at most <paramref name="largest"/>; returns the norm before.</summary>
    public double ClipNorm(double largest)
    {
        var norm = FusedKernels.Norm(_gradients);
        if (norm > largest)
        {
            FusedKernels.Scale(_gradients, largest / (norm + 1e-6));
        }

        return norm;
    }

    /// <summary>One update, after which the gradients are zero.</summary>
    public void Step(double learningRate)
    {
        using var noGradient = no_grad();
        foreach (var group in _groups)
        {
            group.Step(_options, learningRate, _first);
        }

        _first = false;
    }

    /// <summary>Overwrites the state with what <see cref="State"/> gave in an earlier process.</summary>
    /// <exception cref="ArgumentException">A tensor is missing or has another shape.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        using var noGradient = no_grad();
        foreach (var (name, value) in State)
        {
            if (!state.TryGetValue(name, out var saved) || !saved.shape.SequenceEqual(value.shape))
            {
                throw new ArgumentException($"the checkpoint's optimizer state does not fit: {name} is missing or has another shape");
            }

            value.copy_(saved);
        }

        _first = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var group in _groups)
        {
            group.Dispose();
        }
    }

    private sealed class Group : IDisposable
    {
        private readonly string[] _names;
        private readonly Parameter[] _owners;
        private readonly Tensor[] _parameters;
        private readonly Tensor[] _first;
        private readonly Tensor[] _second;
        private readonly Tensor[] _steps;
        private readonly double _weightDecay;

        public Group((string Name, Parameter Parameter)[] parameters, double weightDecay, TrainingOptions options)
        {
            using var noGradient = no_grad();
            _weightDecay = weightDecay;
            _names = [.. parameters.Select(entry => entry.Name)];
            _owners = [.. parameters.Select(entry => entry.Parameter)];
            _parameters = [.. _owners];
            foreach (var owner in _owners)
            {
                owner.grad = zeros_like(owner);
            }

            Gradients = [.. _owners.Select(owner => owner.grad!.DetachFromDisposeScope())];
            var adam = options.Optimizer != OptimizerKind.Sgd;
            _first = adam || options.Momentum > 0 ? Zeros() : [];
            _second = adam ? Zeros() : [];
            _steps = adam ? [.. _parameters.Select(_ => zeros(Array.Empty<long>(), ScalarType.Float32).DetachFromDisposeScope())] : [];
        }

        public Tensor[] Gradients { get; }

        public IEnumerable<(string Name, Tensor Value)> State
        {
            get
            {
                var first = _second.Length > 0 ? "first." : "momentum.";
                return Named(first, _first).Concat(Named("second.", _second)).Concat(Named("steps.", _steps));
            }
        }

        public void Step(TrainingOptions options, double rate, bool first)
        {
            if (options.Optimizer == OptimizerKind.Sgd)
            {
                FusedKernels.Sgd(_parameters, Gradients, _first, rate, options.Momentum, _weightDecay, options.Nesterov && options.Momentum > 0, first);
            }
            else
            {
                FusedKernels.Adam(
                    options.Optimizer == OptimizerKind.Adamw, _parameters, Gradients, _first, _second, _steps,
                    rate, options.Beta1, options.Beta2, _weightDecay, options.Epsilon);
            }
        }

        public void Dispose()
        {
            foreach (var owner in _owners)
            {
                owner.grad = null;
            }

            foreach (var tensor in Gradients.Concat(_first).Concat(_second).Concat(_steps))
            {
                tensor.Dispose();
            }
        }

        private Tensor[] Zeros() => [.. _parameters.Select(parameter => zeros_like(parameter).DetachFromDisposeScope())];

        private IEnumerable<(string Name, Tensor Value)> Named(string prefix, Tensor[] tensors) =>
            tensors.Select((tensor, i) => (prefix + _names[i], tensor));
    }
}
