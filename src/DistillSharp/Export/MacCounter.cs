using DistillSharp.Data;
using DistillSharp.Models;

namespace DistillSharp.Export;

/// <summary>Counts the multiply-adds of convolutions and linear layers, which is what papers count; the rest is free.</summary>
public sealed class MacCounter : ModuleWalker
{
    /// <summary>Multiply-adds counted so far.</summary>
    public long Total { get; private set; }

    /// <summary>Multiply-adds of a network for one sample.</summary>
    /// <exception cref="NotSupportedException">A module cannot be described.</exception>
    public static long Count(INetworkGraph network, DatasetInfo data)
    {
        var counter = new MacCounter();
        network.Describe(counter, new GraphValue("input", [1, .. data.InputShape]));
        return counter.Total;
    }

    /// <inheritdoc/>
    protected override void Visit(GraphOperation operation)
    {
        if (operation.Type is "Conv" or "Gemm")
        {
            // Every weight is used once a position.
            Total += operation.Constants[0].Weights!.numel() * operation.Output.Shape.Skip(2).Aggregate(1L, (product, axis) => product * axis);
        }
    }
}
