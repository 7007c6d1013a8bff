using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Channels dealt out anew, so that every following group sees all earlier ones (Zhang et al., 2018, figure 1): channel (g, c) becomes (c, g).</summary>
public sealed class ChannelShuffle(long groups) : nn.Module<Tensor, Tensor>("channel_shuffle"), INetworkGraph
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        var (batch, channels, height, width) = (input.shape[0], input.shape[1], input.shape[2], input.shape[3]);
        using var grouped = input.reshape(batch, groups, channels / groups, height, width);
        using var swapped = grouped.transpose(1, 2);
        return swapped.reshape(batch, channels, height, width);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var (channels, height, width) = (input.Shape[1], input.Shape[2], input.Shape[3]);
        var grouped = graph.Reshape(input, groups, channels / groups, height, width);
        return graph.Reshape(graph.Transpose(grouped, 0, 2, 1, 3, 4), channels, height, width);
    }
}
