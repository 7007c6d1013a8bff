using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>
/// Transformer block that normalises first (Dosovitskiy et al., 2021, equations 2 and 3): y = x + attention(norm(x)), then
/// y + mlp(norm(y)).
/// </summary>
public sealed class PreNormBlock : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly (string Name, nn.Module<Tensor, Tensor> Layer)[] _layers;

    /// <summary>A block of these layers, under the names of their parameters.</summary>
    public PreNormBlock(
        (string Name, nn.Module<Tensor, Tensor> Layer) firstNorm,
        (string Name, nn.Module<Tensor, Tensor> Layer) attention,
        (string Name, nn.Module<Tensor, Tensor> Layer) secondNorm,
        (string Name, nn.Module<Tensor, Tensor> Layer) mlp)
        : base("pre_norm_block")
    {
        _layers = [firstNorm, attention, secondNorm, mlp];
        foreach (var (name, layer) in _layers)
        {
            register_module(name, layer);
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var attended = Branch(input, 0);
        using var middle = input + attended;
        using var mixed = Branch(middle, 2);
        return middle + mixed;
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        GraphValue Add(GraphValue value, int norm) =>
            graph.Add(value, graph.Module(_layers[norm + 1].Layer, graph.Module(_layers[norm].Layer, value, _layers[norm].Name), _layers[norm + 1].Name));
        return Add(Add(input, 0), 2);
    }

    private Tensor Branch(Tensor input, int norm)
    {
        using var normalised = _layers[norm].Layer.call(input);
        return _layers[norm + 1].Layer.call(normalised);
    }
}
