using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>A network that is one chain of named layers. Intermediate results are disposed as soon as the next layer has read them.</summary>
public abstract class LayeredNetwork(string name) : SingleInputNetwork(name)
{
    private readonly List<(string Name, nn.Module<Tensor, Tensor> Module)> _layers = [];

    /// <inheritdoc/>
    public sealed override Tensor forward(Tensor input)
    {
        var value = input;
        foreach (var (_, module) in _layers)
        {
            var next = module.call(value);
            if (!ReferenceEquals(value, input))
            {
                value.Dispose();
            }

            value = next;
        }

        return value;
    }

    /// <inheritdoc/>
    public sealed override GraphValue Describe(IGraphBuilder graph, GraphValue input) =>
        _layers.Aggregate(input, (value, layer) => graph.Module(layer.Module, value, layer.Name));

    /// <summary>Adds the next layer under the name that its parameters are stored by.</summary>
    protected void Append(string name, nn.Module<Tensor, Tensor> layer)
    {
        register_module(name, layer);
        _layers.Add((name, layer));
    }
}
