using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Training;

/// <summary>
/// Lets a network compute with rounded numbers while it learns (Jacob et al., CVPR 2018): before every convolution, linear layer and projection of an
/// attention that holds its own weights its input is rounded to 256 levels between its smallest and largest value, and its weights to −63…63 for each output
/// channel, as int8 export does. Gradients go straight through the rounding (Bengio et al., 2013) to the weights as they are, which stand in their place again when the optimizer moves them.
/// </summary>
public sealed class FakeQuantiser : IDisposable
{
    private const int Levels = 255;
    private const int LargestWeight = 63;

    private readonly List<Layer> _layers = [];
    private readonly List<Action> _removals = [];

    /// <summary>Begins to round what a network computes with, until this is disposed.</summary>
    public FakeQuantiser(Network network) => WatchLayersOf(network);

    /// <summary>Number of layers that compute with rounded numbers.</summary>
    public int Count => _layers.Count;

    /// <summary>
    /// Rounds the heads that a task keeps as early exits as well, since they are exported with the network. Heads that are dropped after training, and what
    /// methods train beside the network, compute with floats.
    /// </summary>
    public void Include(TrainingTask task)
    {
        if (task is SelfDistillationTask { DeploysCompanions: true })
        {
            WatchLayersOf(task.Companions);
        }
    }

    /// <summary>Puts the weights as they are in their place: before every step of the optimizer, after the backward passes.</summary>
    public void Restore() => _layers.ForEach(layer => layer.Restore());

    /// <inheritdoc/>
    public void Dispose()
    {
        Restore();
        _removals.ForEach(remove => remove());
        _removals.Clear();
    }

    /// <summary>Values rounded to 256 levels from the smallest (or 0) to the largest (or 0); the gradient is that of the values.</summary>
    public static Tensor RoundActivations(Tensor values)
    {
        using var scope = NewDisposeScope();
        Tensor difference;
        using (no_grad())
        {
            var low = values.min().clamp_max(0);
            var scale = ((values.max().clamp_min(0) - low) / Levels).clamp_min(1e-30);
            var zero = (-low / scale).round();
            difference = ((((values / scale).round() + zero).clamp(0, Levels) - zero) * scale) - values;
        }

        return (values + difference).MoveToOuterDisposeScope();
    }

    /// <summary>Weights rounded to −63…63 steps, a step for each of the first axis.</summary>
    public static Tensor RoundWeights(Tensor weights)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        long[] shape = [weights.shape[0], .. Enumerable.Repeat(1L, weights.shape.Length - 1)];
        var step = (weights.abs().flatten(1).amax([1]) / LargestWeight).clamp_min(1e-30).reshape(shape);
        return ((weights / step).round() * step).MoveToOuterDisposeScope();
    }

    private void WatchLayersOf(nn.Module parent)
    {
        foreach (var module in parent.modules())
        {
            switch (module)
            {
                case Conv2d convolution:
                    Watch(convolution, convolution.weight);
                    break;
                case Linear linear:
                    Watch(linear, linear.weight);
                    break;
                case nn.Module<Tensor, Tensor> own when module is IInputProjection projection:
                    Watch(own, projection.InputWeight);
                    break;
            }
        }
    }

    private void Watch(nn.Module<Tensor, Tensor> module, Parameter weight)
    {
        var layer = new Layer(weight);
        _layers.Add(layer);
        _removals.Add(module.register_forward_pre_hook((_, input) =>
        {
            layer.Round();
            return RoundActivations(input);
        }).remove);
        _removals.Add(module.register_forward_hook((_, _, output) =>
        {
            // Without gradients nothing needs the rounded weights any more.
            if (!is_grad_enabled() && !layer.IsLearning)
            {
                layer.Restore();
            }

            return output;
        }).remove);
    }

    private sealed class Layer(Parameter weight)
    {
        private Tensor? _original;

        /// <summary>True between a forward pass with gradients and the optimizer's step.</summary>
        public bool IsLearning { get; private set; }

        public void Round()
        {
            if (_original is null)
            {
                using var noGradient = no_grad();
                _original = weight.detach().clone().DetachFromDisposeScope();
                using var rounded = RoundWeights(weight);
                weight.copy_(rounded);
            }

            IsLearning |= is_grad_enabled();
        }

        public void Restore()
        {
            IsLearning = false;
            if (_original is null)
            {
                return;
            }

            // Heads belong to a task, which is disposed in the middle of a step where training diverges.
            if (!weight.IsInvalid)
            {
                using var noGradient = no_grad();
                weight.copy_(_original);
            }

            _original.Dispose();
            _original = null;
        }
    }
}
