using DistillSharp.Data;
using DistillSharp.Models;

namespace DistillSharp.Export;

/// <summary>Counts the multiply-adds of convolutions, linear layers and products of matrices, which is what papers count; the rest is free.</summary>
public sealed class MacCounter : ModuleWalker
{
    private readonly List<GraphOperation> _operations = [];

    /// <summary>Multiply-adds of a network for one sample; what its output does not depend on is not counted.</summary>
    /// <exception cref="NotSupportedException">A module cannot be described.</exception>
    public static long Count(INetworkGraph network, DatasetInfo data)
    {
        var counter = new MacCounter();
        var output = network.Describe(counter, new GraphValue("input", [1, .. data.InputShape]));
        return Needed(counter._operations, [output]).Sum(Of);
    }

    /// <inheritdoc/>
    protected override void Visit(GraphOperation operation) => _operations.Add(operation);

    // Every weight is used once a position. A product with a constant that is no parameter is a mean, which is free like all pooling.
    private static long Of(GraphOperation operation) => operation.Type switch
    {
        "Conv" => operation.Constants[0].Weights!.numel() * Product(operation.Output.Shape.Skip(2)),
        "Gemm" => operation.Constants[0].Weights!.numel() * operation.Output.Shape[0],
        "MatMul" when operation.Inputs.Count == 2 => Product(operation.Output.Shape) * operation.Inputs[0].Shape[^1],
        _ => 0,
    };

    private static long Product(IEnumerable<long> axes) => axes.Aggregate(1L, (product, axis) => product * axis);
}
