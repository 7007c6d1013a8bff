using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>Attention of several heads over queries, keys and values that stand side by side: [N, T, 3D] → [N, T, D].</summary>
internal static class HeadAttention
{
    /// <summary>softmax(Q·Kᵀ / √d)·V for each head, heads side by side (Vaswani et al., 2017, section 3.2).</summary>
    public static Tensor Compute(Tensor projected, long heads, Softmax softmax)
    {
        using var scope = NewDisposeScope();
        var (batch, positions, width) = (projected.shape[0], projected.shape[1], projected.shape[2] / 3);
        // [3, N, heads, T, d]
        var parts = projected.reshape(batch, positions, 3, heads, width / heads).permute(2, 0, 3, 1, 4);
        var query = parts[0] * Scale(width, heads);
        var attention = softmax.call(query.matmul(parts[1].transpose(-2, -1)));
        return attention.matmul(parts[2]).transpose(1, 2).reshape(batch, positions, width).MoveToOuterDisposeScope();
    }

    /// <summary>The same as a graph.</summary>
    public static GraphValue Describe(IGraphBuilder graph, GraphValue projected, long heads, Softmax softmax, string softmaxName)
    {
        var (positions, width) = (projected.Shape[1], projected.Shape[2] / 3);
        GraphValue Part(int index, params long[] axes) =>
            graph.Transpose(graph.Reshape(graph.Slice(projected, 2, index * width, width), positions, heads, width / heads), axes);
        var query = graph.Scale(Part(0, 0, 2, 1, 3), Scale(width, heads));
        var attention = graph.Module(softmax, graph.MatMul(query, Part(1, 0, 2, 3, 1)), softmaxName);
        return graph.Reshape(graph.Transpose(graph.MatMul(attention, Part(2, 0, 2, 1, 3)), 0, 2, 1, 3), positions, width);
    }

    private static double Scale(long width, long heads) => 1 / Math.Sqrt((double)width / heads);
}
