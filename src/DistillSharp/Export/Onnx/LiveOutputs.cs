using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>What the live network and its early exits compute, in evaluation mode and without gradients.</summary>
internal static class LiveOutputs
{
    /// <summary>Logits, then the exits in order, as float32 on the CPU; the caller owns them.</summary>
    public static IReadOnlyList<Tensor> Of(Network network, IReadOnlyList<EarlyExit> exits, Tensor input)
    {
        var training = network.training;
        var exitTraining = exits.SelectMany(exit => exit.Layers).Select(layer => (layer, layer.training)).ToList();
        network.eval();
        exitTraining.ForEach(entry => entry.layer.eval());
        var features = new Tensor?[exits.Count];
        var hooks = exits.Select((exit, index) => Capture(network, exit, feature => features[index] = feature)).ToList();
        try
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var device = network.parameters().FirstOrDefault()?.device ?? CPU;
            // A batch disposes what it holds; the scope does here.
            var logits = network.Logits(Batch.Of(input.to(device), null, new long[input.shape[0]]));
            List<Tensor> outputs = [logits];
            for (var i = 0; i < exits.Count; i++)
            {
                outputs.Add(exits[i].Layers.Aggregate(features[i]!, (value, layer) => layer.call(value)));
            }

            return [.. outputs.Select(output => output.to(ScalarType.Float32).cpu().MoveToOuterDisposeScope())];
        }
        finally
        {
            hooks.ForEach(remove => remove());
            network.train(training);
            exitTraining.ForEach(entry => entry.layer.train(entry.training));
        }
    }

    private static Action Capture(Network network, EarlyExit exit, Action<Tensor> keep)
    {
        var point = exit.FeaturePoint;
        if (network.named_modules().FirstOrDefault(module => module.name == point.ModulePath).module is not nn.Module<Tensor, Tensor> module)
        {
            throw new ArgumentException($"early exit `{exit.Name}`: {network.GetName()} has no module `{point.ModulePath}` of one input and one output");
        }

        // The network disposes its intermediate results; an alias outlives them.
        if (point.Side == FeatureSide.Input)
        {
            var hook = module.register_forward_pre_hook((_, given) =>
            {
                keep(given.alias());
                return given;
            });
            return hook.remove;
        }

        var outputHook = module.register_forward_hook((_, _, made) =>
        {
            keep(made.alias());
            return made;
        });
        return outputHook.remove;
    }
}
