using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>
/// What two classifiers say together, [N, 2, C] → [N, C]: the first alone in training, where the second learns from the teacher, and the
/// mean of both in evaluation (Touvron et al., 2021, section 4), or the first alone as long as the second has learned nothing.
/// </summary>
/// <param name="isSecondTrained">Whether the second has learned anything.</param>
public sealed class HeadAverage(Func<bool> isSecondTrained) : nn.Module<Tensor, Tensor>("head_average"), INetworkGraph
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => training || !isSecondTrained() ? input.select(1, 0) : input.mean([1]);

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var first = Tokens.Select(graph, input, 0);
        return isSecondTrained() ? graph.Scale(graph.Add(first, Tokens.Select(graph, input, 1)), 0.5) : first;
    }
}
