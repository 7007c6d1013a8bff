using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <content>Operations that descriptions use between modules.</content>
public abstract partial class ModuleWalker
{
    /// <inheritdoc/>
    public GraphValue Parameter(Tensor value, string name) => value.shape is [1, ..]
        ? Emit("Identity", name, [], [Weights(name, value)], value.shape)
        : throw Unsupported($"has the parameter `{name}` of shape [{string.Join(", ", value.shape)}]; as a value its first axis must be 1");

    /// <inheritdoc/>
    public GraphValue Add(GraphValue left, GraphValue right) => left.Shape.SequenceEqual(right.Shape)
        ? Emit("Add", "add", [left, right], [], left.Shape)
        : throw Unsupported($"adds values of shapes {Text(left)} and {Text(right)}");

    /// <inheritdoc/>
    public GraphValue Multiply(GraphValue left, GraphValue right) =>
        left.Shape.Count == right.Shape.Count && left.Shape.Zip(right.Shape).All(axis => axis.First == axis.Second || axis.First == 1 || axis.Second == 1)
            ? Emit("Mul", "mul", [left, right], [], [.. left.Shape.Zip(right.Shape, Math.Max)])
            : throw Unsupported($"multiplies values of shapes {Text(left)} and {Text(right)}");

    /// <inheritdoc/>
    public GraphValue Scale(GraphValue input, double factor) => Emit("Mul", "scale", [input], [Scalar("factor", factor)], input.Shape);

    /// <inheritdoc/>
    public GraphValue MatMul(GraphValue left, GraphValue right) =>
        left.Shape.Count >= 3 && left.Shape.SkipLast(2).SequenceEqual(right.Shape.SkipLast(2)) && left.Shape[^1] == right.Shape[^2]
            ? Emit("MatMul", "matmul", [left, right], [], [.. left.Shape.SkipLast(1), right.Shape[^1]])
            : throw Unsupported($"multiplies matrices of shapes {Text(left)} and {Text(right)}");

    /// <inheritdoc/>
    public GraphValue Linear(GraphValue input, Tensor weight, Tensor? bias, string weightName, string biasName)
    {
        var (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        if (input.Shape.Count < 2 || input.Shape[^1] != inputs)
        {
            throw Unsupported($"is given values of shape {Text(input)}; its weights need […, {inputs}]");
        }

        GraphConstant[] constants = bias is null ? [Weights(weightName, weight)] : [Weights(weightName, weight), Weights(biasName, bias)];
        var transposed = new GraphAttribute("transB", 1);
        if (input.Shape.Count == 2)
        {
            return Emit("Gemm", "", [input], constants, [input.Shape[0], outputs], transposed);
        }

        // One product of matrices has two axes: every position becomes a row.
        var positions = input.Shape.SkipLast(1).Aggregate(1L, (product, axis) => product * axis);
        var rows = Emit("Reshape", "rows", [input], [Integers("shape", -1, inputs)], [positions, inputs]);
        var product = Emit("Gemm", "", [rows], constants, [positions, outputs], transposed);
        long[] shape = [.. input.Shape.Skip(1).SkipLast(1), outputs];
        return Emit("Reshape", "positions", [product], [Integers("shape", [-1, .. shape])], [input.Shape[0], .. shape]);
    }

    /// <inheritdoc/>
    public GraphValue Reshape(GraphValue input, params long[] shape) => Emit("Reshape", "reshape", [input], [Integers("shape", [-1, .. shape])], [input.Shape[0], .. shape]);

    /// <inheritdoc/>
    public GraphValue Transpose(GraphValue input, params long[] axes) => axes is [0, ..]
        ? Emit("Transpose", "transpose", [input], [], [.. axes.Select(axis => input.Shape[(int)axis])], new GraphAttribute("perm", Integers: axes))
        : throw Unsupported($"moves the batch axis: [{string.Join(", ", axes)}]");

    /// <inheritdoc/>
    public GraphValue Slice(GraphValue input, int axis, long start, long length) => Emit(
        "Slice",
        "slice",
        [input],
        [Integers("starts", start), Integers("ends", start + length), Integers("axes", axis)],
        [.. input.Shape.Select((size, index) => index == axis ? length : size)]);

    /// <inheritdoc/>
    public GraphValue Pad(GraphValue input, int axis, long before, long after)
    {
        var pads = new long[2 * input.Shape.Count];
        (pads[axis], pads[axis + input.Shape.Count]) = (before, after);
        return Emit("Pad", "pad", [input], [Integers("pads", pads)], [.. input.Shape.Select((size, index) => index == axis ? before + size + after : size)]);
    }

    // x · (1 + erf(x / √2)) / 2: opset 17 has no operator of that name.
    private GraphValue Gelu(GraphValue input)
    {
        var error = Emit("Erf", "erf", [Scale(input, 1 / Math.Sqrt(2))], [], input.Shape);
        var gate = Emit("Add", "gate", [error], [Scalar("one", 1)], input.Shape);
        return Scale(Multiply(input, gate), 0.5);
    }

    private GraphValue Normalisation(LayerNorm layer, GraphValue input) => layer is { weight: { } weight, bias: { } bias }
        ? Emit(
            "LayerNormalization",
            "",
            [input],
            [Weights("weight", weight), Weights("bias", bias)],
            input.Shape,
            new GraphAttribute("axis", -layer.normalized_shape.Length),
            new GraphAttribute("epsilon", Number: (float)layer.eps))
        : throw Unsupported("has no weights", layer);

    private static GraphConstant Scalar(string name, double value) => new(name, null, Number: (float)value);
}
