using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>
/// Unit of ShuffleNet V2 (Ma et al., 2018, figure 3): at stride 1 half of the channels pass and the other half goes through a branch; at
/// stride 2 two branches read all channels. Both halves are joined and their channels shuffled.
/// </summary>
public sealed class SplitShuffleUnit : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly (string Name, nn.Module<Tensor, Tensor> Layer)[] _left;
    private readonly (string Name, nn.Module<Tensor, Tensor> Layer)[] _right;
    private readonly ChannelShuffle _shuffle = new(groups: 2);

    /// <summary>A unit of these branches.</summary>
    /// <param name="left">Layers of the first branch, under the names of their parameters; none at stride 1.</param>
    /// <param name="right">Layers of the second.</param>
    public SplitShuffleUnit((string Name, nn.Module<Tensor, Tensor> Layer)[] left, (string Name, nn.Module<Tensor, Tensor> Layer)[] right)
        : base("split_shuffle_unit")
    {
        (_left, _right) = (left, right);
        foreach (var (name, layer) in left.Concat(right))
        {
            register_module(name, layer);
        }

        register_module("shuffle", _shuffle);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var half = input.shape[1] / 2;
        var (left, right) = _left.Length == 0 ? (input.narrow(1, 0, half), input.narrow(1, half, half)) : (input, input);
        left = _left.Aggregate(left, (value, layer) => layer.Layer.call(value));
        right = _right.Aggregate(right, (value, layer) => layer.Layer.call(value));
        return _shuffle.call(cat([left, right], 1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var half = input.Shape[1] / 2;
        var (left, right) = _left.Length == 0 ? (graph.Slice(input, 1, 0, half), graph.Slice(input, 1, half, half)) : (input, input);
        left = _left.Aggregate(left, (value, layer) => graph.Module(layer.Layer, value, layer.Name));
        right = _right.Aggregate(right, (value, layer) => graph.Module(layer.Layer, value, layer.Name));
        return graph.Module(_shuffle, graph.Concat([left, right]), "shuffle");
    }
}
