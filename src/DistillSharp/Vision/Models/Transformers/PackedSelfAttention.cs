using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>
/// Self-attention with torch's parameter names: <c>in_proj_weight</c>, <c>in_proj_bias</c> and <c>out_proj</c>. <c>softmax</c> makes the
/// attention maps [N, heads, T, T].
/// </summary>
public sealed class PackedSelfAttention : nn.Module<Tensor, Tensor>, INetworkGraph, IInputProjection
{
    private readonly Parameter in_proj_weight;
    private readonly Parameter in_proj_bias;
    private readonly Softmax softmax;
    private readonly Linear out_proj;
    private readonly long _heads;

    /// <summary>Attention over tokens of so many features.</summary>
    public PackedSelfAttention(long width, long heads)
        : base("packed_self_attention")
    {
        in_proj_weight = Layers.Zeros(3 * width, width);
        in_proj_bias = Layers.Zeros(3 * width);
        softmax = nn.Softmax(-1);
        out_proj = Layers.Linear(width, width);
        _heads = heads;
        RegisterComponents();
        nn.init.xavier_uniform_(in_proj_weight);
        nn.init.zeros_(out_proj.bias!);
    }

    Parameter IInputProjection.InputWeight => in_proj_weight;

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var projected = nn.functional.linear(input, in_proj_weight, in_proj_bias);
        using var attended = HeadAttention.Compute(projected, _heads, softmax);
        return out_proj.call(attended);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var projected = graph.Linear(input, in_proj_weight, in_proj_bias, nameof(in_proj_weight), nameof(in_proj_bias));
        return graph.Module(out_proj, HeadAttention.Describe(graph, projected, _heads, softmax, nameof(softmax)), nameof(out_proj));
    }
}
