using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>An image as tokens: [N, C, H, W] → [N, patches, D], by a convolution that is called <c>proj</c> as in timm.</summary>
public sealed class PatchEmbedding : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly Conv2d proj;

    /// <summary>Tokens of so many features from patches of so many pixels.</summary>
    public PatchEmbedding(long channels, long width, long patchSize)
        : base("patch_embedding")
    {
        proj = Layers.Patches(channels, width, patchSize);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var map = proj.call(input);
        return Tokens.FromMap(map);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input) => Tokens.FromMap(graph, graph.Module(proj, input, nameof(proj)));
}
