using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>
/// What two classifiers say together, [N, 2, C] → [N, C]: the first alone in training, where the second learns from the teacher, and the
/// mean of both in evaluation (Touvron et al., 2021, section 4).
/// </summary>
public sealed class HeadAverage() : nn.Module<Tensor, Tensor>("head_average"), INetworkGraph
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => training ? input.select(1, 0) : input.mean([1]);

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input) =>
        graph.Scale(graph.Add(Tokens.Select(graph, input, 0), Tokens.Select(graph, input, 1)), 0.5);
}
