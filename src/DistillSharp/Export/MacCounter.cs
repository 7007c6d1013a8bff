using DistillSharp.Data;
using DistillSharp.Models;

namespace DistillSharp.Export;

/// <summary>Counts the multiply-adds of convolutions and linear layers, which is what papers count; the rest is free.</summary>
public sealed class MacCounter : ModuleWalker
{
    private readonly List<GraphOperation> _operations = [];

    /// <summary>Multiply-adds of a network for one sample; what its output does not depend on is not counted.</summary>
    /// <exception cref="NotSupportedException">A module cannot be described.</exception>
    public static long Count(INetworkGraph network, DatasetInfo data)
    {
        var counter = new MacCounter();
        var output = network.Describe(counter, new GraphValue("input", [1, .. data.InputShape]));
        // Every weight is used once a position.
        return Needed(counter._operations, [output]).Where(operation => operation.Type is "Conv" or "Gemm")
            .Sum(operation => operation.Constants[0].Weights!.numel() * operation.Output.Shape.Skip(2).Aggregate(1L, (product, axis) => product * axis));
    }

    /// <inheritdoc/>
    protected override void Visit(GraphOperation operation) => _operations.Add(operation);
}
