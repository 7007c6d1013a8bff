using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// SGD, Adam and AdamW over named parameters, with all state in named tensors so that a checkpoint holds it. Parameters of
/// fewer than two axes (biases, normalisation) get no weight decay unless the options say so. A step takes the gradients away, so that the next backward pass
/// hands over its own instead of adding to zeros; a parameter without one stays as it is, and so does its state: not even weight decay moves it.
/// With a momentum gap Δ (Zhao et al., ICCV 2023) the student's parameters have a second gradient, of distillation, with a momentum
/// of its own: v₁ ← (μ − Δ)·v₁ + g₁ + decay·p, v₂ ← (μ + Δ)·v₂ + g₂, p ← p − rate·(v₁ + v₂). These two are always there, of zeros where nothing came.
/// </summary>
public sealed class Optimizer : IDisposable
{
    private const long SmallSize = 1 << 16;

    private readonly TrainingOptions _options;
    private readonly Group[] _groups;
    private bool _first = true;

    /// <summary>Takes over the gradients of <paramref name="parameters"/>.</summary>
    /// <param name="parameters">What is trained; names below <c>student.</c> are the student's own.</param>
    /// <param name="options">Kind of optimizer and its settings.</param>
    /// <param name="momentumGap">Δ; 0 for one gradient.</param>
    /// <exception cref="ArgumentException">There is a gap, and it is no SGD whose momenta would lie between 0 and 1, or gradients are clipped.</exception>
    public Optimizer(IReadOnlyList<(string Name, Parameter Parameter)> parameters, TrainingOptions options, double momentumGap = 0)
    {
        if (FaultsOfGap(options, momentumGap).FirstOrDefault() is { Key: not null } fault)
        {
            throw new ArgumentException($"{fault.Key}: {fault.Message}", nameof(options));
        }

        _options = options;
        _groups =
        [
            .. parameters
                .GroupBy(entry => (Decays: options.DecayAll || entry.Parameter.dim() >= 2, Small: entry.Parameter.numel() < SmallSize, Splits: momentumGap > 0 && entry.Name.StartsWith(TrainingTask.StudentPrefix, StringComparison.Ordinal)))
                .OrderByDescending(group => group.Key)
                .Select(group => new Group([.. group], group.Key.Decays ? options.WeightDecay : 0, options, group.Key.Splits ? momentumGap : 0) { IsSmall = group.Key.Small }),
        ];
    }

    /// <summary>The state by name: <c>momentum.…</c> (and <c>distillation_momentum.…</c>), or <c>first.…</c>, <c>second.…</c>, <c>steps.…</c>.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => _groups.SelectMany(group => group.State);

    /// <summary>What keeps a momentum gap from working with these settings.</summary>
    internal static IEnumerable<TrainingFault> FaultsOfGap(TrainingOptions options, double gap)
    {
        if (gap == 0)
        {
            yield break;
        }

        if (options.Optimizer != OptimizerKind.Sgd)
        {
            yield return new TrainingFault("optimizer", "must be sgd: separate momenta of task and distillation are defined for it alone");
        }
        else if (options.Momentum <= gap || options.Momentum + gap >= 1)
        {
            yield return new TrainingFault("momentum", FormattableString.Invariant($"must be above {gap} and below {1 - gap}, so that momentum ∓ delta ({gap}) lies between 0 and 1"));
        }

        if (options.ClipNorm > 0)
        {
            yield return new TrainingFault("clip_norm", "must be 0: the gradients of task and distillation are kept apart and have no joint norm");
        }
    }

    /// <summary>Whether gradients that are computed now are those of distillation; nothing changes where there is no momentum gap.</summary>
    public void CollectDistillation(bool distillation)
    {
        foreach (var group in _groups)
        {
            group.CollectDistillation(distillation);
        }
    }

    /// <summary>Scales all gradients so that their joint norm is at most <paramref name="largest"/>; returns the norm before.</summary>
    public double ClipNorm(double largest)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // Those that are missing add nothing to the norm.
        Tensor[] gradients = [.. _groups.SelectMany(group => group.Existing())];
        if (gradients.Length == 0)
        {
            return 0;
        }

        var norm = FusedKernels.Norm(gradients);
        if (norm > largest)
        {
            FusedKernels.Scale(gradients, largest / (norm + 1e-6));
        }

        return norm;
    }

    /// <summary>One update, after which there are no gradients.</summary>
    public void Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var group in _groups.Where(group => !group.IsSmall))
        {
            group.Step(_options, learningRate, _first);
        }

        OnOneThread(_groups.Where(group => group.IsSmall), group => group.Step(_options, learningRate, _first));
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

    // The fused kernels divide every tensor among the threads; to wake one up takes longer than a small tensor's whole update.
    private static void OnOneThread(IEnumerable<Group> groups, Action<Group> step)
    {
        var threads = get_num_threads();
        if (threads > 1)
        {
            set_num_threads(1);
        }

        try
        {
            foreach (var group in groups)
            {
                step(group);
            }
        }
        finally
        {
            if (threads > 1)
            {
                set_num_threads(threads);
            }
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
        // With a gap both gradients are buffers of our own, between which the parameters are switched.
        private readonly Tensor[] _taskGradients;
        private readonly Tensor[] _distillationGradients;
        private readonly Tensor[] _distillationMomenta;
        private readonly double _weightDecay;
        private readonly double _gap;

        public Group((string Name, Parameter Parameter)[] parameters, double weightDecay, TrainingOptions options, double gap)
        {
            using var noGradient = no_grad();
            _weightDecay = weightDecay;
            _gap = gap;
            _names = [.. parameters.Select(entry => entry.Name)];
            _owners = [.. parameters.Select(entry => entry.Parameter)];
            _parameters = [.. _owners];
            foreach (var owner in _owners)
            {
                owner.grad = null;
            }

            var adam = options.Optimizer != OptimizerKind.Sgd;
            _first = adam || options.Momentum > 0 ? Zeros() : [];
            _second = adam ? Zeros() : [];
            _taskGradients = gap > 0 ? Zeros() : [];
            _distillationGradients = gap > 0 ? Zeros() : [];
            CollectDistillation(false);
            _distillationMomenta = gap > 0 ? Zeros() : [];
            // The fused kernels read a count on its parameter's device.
            _steps = adam ? [.. _parameters.Select(parameter => zeros(Array.Empty<long>(), ScalarType.Float32, device: parameter.device).DetachFromDisposeScope())] : [];
        }

        public bool IsSmall { get; init; }

        public IEnumerable<(string Name, Tensor Value)> State
        {
            get
            {
                var first = _second.Length > 0 ? "first." : "momentum.";
                return Named(first, _first).Concat(Named("second.", _second)).Concat(Named("steps.", _steps)).Concat(Named("distillation_momentum.", _distillationMomenta));
            }
        }

        public IEnumerable<Tensor> Existing() => _gap > 0 ? _taskGradients : _owners.Select(owner => owner.grad).OfType<Tensor>();

        public void Step(TrainingOptions options, double rate, bool first)
        {
            var found = (_gap > 0 ? _taskGradients : _owners.Select(owner => owner.grad)).ToArray();
            int[] moved = [.. Enumerable.Range(0, found.Length).Where(i => found[i] is not null)];
            if (moved.Length == 0)
            {
                return;
            }

            Tensor[] gradients = [.. found.OfType<Tensor>()];
            var parameters = Picked(_parameters, moved);
            if (options.Optimizer == OptimizerKind.Sgd)
            {
                FusedKernels.Sgd(parameters, gradients, Picked(_first, moved), rate, options.Momentum - _gap, _weightDecay, options.Nesterov && options.Momentum > 0, first);
                if (_gap > 0)
                {
                    // Weight decay went with the task, so the order of the two changes nothing.
                    FusedKernels.Sgd(parameters, _distillationGradients, _distillationMomenta, rate, options.Momentum + _gap, 0, options.Nesterov, first);
                    FusedKernels.Zero([.. _taskGradients, .. _distillationGradients]);
                    return;
                }
            }
            else
            {
                FusedKernels.Adam(
                    options.Optimizer == OptimizerKind.Adamw, parameters, gradients, Picked(_first, moved), Picked(_second, moved), Picked(_steps, moved),
                    rate, options.Beta1, options.Beta2, _weightDecay, options.Epsilon);
            }

            foreach (var owner in _owners)
            {
                owner.grad = null;
            }
        }

        public void CollectDistillation(bool distillation)
        {
            for (var i = 0; _gap > 0 && i < _owners.Length; i++)
            {
                _owners[i].grad = distillation ? _distillationGradients[i] : _taskGradients[i];
            }
        }

        public void Dispose()
        {
            foreach (var owner in _owners)
            {
                owner.grad = null;
            }

            foreach (var tensor in _taskGradients.Concat(_first).Concat(_second).Concat(_steps).Concat(_distillationGradients).Concat(_distillationMomenta))
            {
                tensor.Dispose();
            }
        }

        // Those of the parameters that are moved; an optimizer without momentum has no list to pick from.
        private static Tensor[] Picked(Tensor[] all, int[] moved) =>
            all.Length == moved.Length || all.Length == 0 ? all : [.. moved.Select(i => all[i])];

        private Tensor[] Zeros() => [.. _parameters.Select(parameter => zeros_like(parameter).DetachFromDisposeScope())];

        private IEnumerable<(string Name, Tensor Value)> Named(string prefix, Tensor[] tensors) =>
            tensors.Select((tensor, i) => (prefix + _names[i], tensor));
    }
}
