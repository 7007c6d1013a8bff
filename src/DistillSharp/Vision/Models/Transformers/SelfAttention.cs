using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>Self-attention with timm's parameter names: <c>qkv</c> and <c>proj</c>. <c>softmax</c> makes the attention maps [N, heads, T, T].</summary>
public sealed class SelfAttention : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly Linear qkv;
    private readonly Softmax softmax;
    private readonly Linear proj;
    private readonly long _heads;

    /// <summary>Attention over tokens of so many features.</summary>
    public SelfAttention(long width, long heads)
        : base("self_attention")
    {
        qkv = Layers.Linear(width, 3 * width);
        softmax = nn.Softmax(-1);
        proj = Layers.Linear(width, width);
        _heads = heads;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var projected = qkv.call(input);
        using var attended = HeadAttention.Compute(projected, _heads, softmax);
        return proj.call(attended);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var projected = graph.Module(qkv, input, nameof(qkv));
        return graph.Module(proj, HeadAttention.Describe(graph, projected, _heads, softmax, nameof(softmax)), nameof(proj));
    }
}
