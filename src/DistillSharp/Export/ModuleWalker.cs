using DistillSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>
/// Follows a network's description module by module, works out every shape, and hands each operation to
/// <see cref="Visit"/>. Modules are described as they compute in evaluation mode; settings that this cannot say exactly are refused.
/// </summary>
public abstract partial class ModuleWalker : IGraphBuilder
{
    private readonly Stack<string> _path = new();
    private readonly Dictionary<string, int> _used = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (GraphValue Input, GraphValue Output)> _modules = new(StringComparer.Ordinal);
    private readonly Dictionary<(long Inputs, long Outputs), Tensor> _means = [];

    private string CurrentPath => string.Join('.', _path.Reverse());

    /// <inheritdoc/>
    public GraphValue Module(nn.Module module, GraphValue input, string name)
    {
        _path.Push(name);
        try
        {
            var output = Describe(module, input);
            _modules[CurrentPath] = (input, output);
            return output;
        }
        finally
        {
            _path.Pop();
        }
    }

    /// <inheritdoc/>
    public GraphValue? ValueAt(FeaturePoint point) => _modules.TryGetValue(point.ModulePath, out var values)
        ? point.Side == FeatureSide.Input ? values.Input : values.Output
        : null;

    /// <inheritdoc/>
    public GraphValue Relu(GraphValue input) => Emit("Relu", "relu", [input], [], input.Shape);

    /// <inheritdoc/>
    public GraphValue GlobalAveragePool(GraphValue input) => Flatten(PoolToOne("mean", input));

    /// <inheritdoc/>
    public GraphValue Flatten(GraphValue input) => FlattenAs("flatten", input);

    /// <inheritdoc/>
    public GraphValue Concat(IReadOnlyList<GraphValue> inputs) =>
        Emit("Concat", "concat", inputs, [], [inputs[0].Shape[0], inputs.Sum(input => input.Shape[1]), .. inputs[0].Shape.Skip(2)], new GraphAttribute("axis", 1));

    /// <inheritdoc/>
    public GraphValue PadShortcut(GraphValue input, int stride, int channels)
    {
        var (height, width) = (SubSampled(input.Shape[2], stride), SubSampled(input.Shape[3], stride));
        var sampled = Emit(
            "Slice",
            "subsample",
            [input],
            [Integers("starts", 0, 0), Integers("ends", input.Shape[2], input.Shape[3]), Integers("axes", 2, 3), Integers("steps", stride, stride)],
            [input.Shape[0], input.Shape[1], height, width]);
        var before = (channels - input.Shape[1]) / 2;
        return Pad(sampled, 1, before, channels - input.Shape[1] - before);
    }

    /// <summary>Those of the operations that given values depend on, in their order.</summary>
    protected static IReadOnlyList<GraphOperation> Needed(IReadOnlyList<GraphOperation> operations, IEnumerable<GraphValue> outputs)
    {
        var wanted = outputs.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        var needed = new List<GraphOperation>();
        foreach (var operation in operations.Reverse().Where(operation => wanted.Contains(operation.Output.Name)))
        {
            needed.Add(operation);
            wanted.UnionWith(operation.Inputs.Select(input => input.Name));
        }

        needed.Reverse();
        return needed;
    }

    /// <summary>Told of every operation, in an order in which they can be computed.</summary>
    protected abstract void Visit(GraphOperation operation);

    private static long SubSampled(long size, long stride) => (size + stride - 1) / stride;

    private GraphValue Describe(nn.Module module, GraphValue input) => module switch
    {
        INetworkGraph graph => graph.Describe(this, input),
        Sequential sequential => sequential.named_children().Aggregate(input, (value, child) => Module(child.module, value, child.name)),
        Conv2d convolution => Convolution(convolution, input),
        BatchNorm2d or BatchNorm1d => Normalisation((NormBase)module, input),
        LayerNorm norm => Normalisation(norm, input),
        Linear linear => Linear(input, linear.weight!, linear.bias, "weight", "bias"),
        MaxPool2d pool => Pool("MaxPool", pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, input),
        AvgPool2d { divisor_override: null } pool => Pool("AveragePool", pool.kernel_size, pool.stride, pool.padding, null, pool.ceil_mode, input, new GraphAttribute("count_include_pad", pool.count_include_pad ? 1 : 0)),
        AdaptiveAvgPool2d pool => AdaptivePool(Pair(pool.output_size, 1), input),
        ReLU => Emit("Relu", "", [input], [], input.Shape),
        ReLU6 => Emit("Clip", "", [input], [Scalar("min", 0), Scalar("max", 6)], input.Shape),
        Hardswish => Emit("HardSwish", "", [input], [], input.Shape),
        Hardsigmoid => Emit("HardSigmoid", "", [input], [], input.Shape, new GraphAttribute("alpha", Number: 1f / 6), new GraphAttribute("beta", Number: 0.5f)),
        GELU { approximate: GELU.Approximate.none } => Gelu(input),
        Softmax softmax when softmax.dim == -1 || softmax.dim == input.Shape.Count - 1 => Emit("Softmax", "", [input], [], input.Shape, new GraphAttribute("axis", -1)),
        Flatten { start_dim: 1, end_dim: -1 } => FlattenAs("", input),
        Dropout or Dropout1d or Dropout2d or Identity => input,
        _ => throw Unsupported("cannot be described; use layers that can (convolution, batch-norm, layer norm, linear, ReLU and others, pooling, flatten, dropout, Sequential) or implement INetworkGraph", module),
    };

    private GraphValue Convolution(Conv2d layer, GraphValue input)
    {
        if (layer.padding_mode != PaddingModes.Zeros || layer.transposed)
        {
            throw Unsupported($"has padding mode {layer.padding_mode}; only zeros can be described", layer);
        }

        var kernel = Pair(layer.kernel_size, 1);
        var dilation = Pair(layer.dilation, 1);
        var padding = Pair(layer.padding, 0);
        long[] pads = [padding[0], padding[1], padding[0], padding[1]];
        if (layer.padding_type == Padding.Same)
        {
            long[] total = [dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1)];
            pads = [total[0] / 2, total[1] / 2, total[0] - (total[0] / 2), total[1] - (total[1] / 2)];
        }

        var stride = Pair(layer.stride, 1);
        return Emit(
            "Conv",
            "",
            [input],
            Parameters(layer.weight, layer.bias),
            [input.Shape[0], layer.weight.shape[0], .. Spatial(input, layer, kernel, stride, dilation, pads)],
            new GraphAttribute("kernel_shape", Integers: kernel),
            new GraphAttribute("strides", Integers: stride),
            new GraphAttribute("dilations", Integers: dilation),
            new GraphAttribute("pads", Integers: pads),
            new GraphAttribute("group", layer.groups));
    }

    private GraphValue Normalisation(NormBase layer, GraphValue input)
    {
        if (layer.running_mean is not { } mean || layer.running_var is not { } variance || layer.weight is not { } weight || layer.bias is not { } bias)
        {
            throw Unsupported("has no weights or no running statistics", layer);
        }

        GraphConstant[] constants = [Weights("weight", weight), Weights("bias", bias), Weights("running_mean", mean), Weights("running_var", variance)];
        return Emit("BatchNormalization", "", [input], constants, input.Shape, new GraphAttribute("epsilon", Number: (float)layer.eps));
    }

    private GraphValue Pool(string type, long[] kernelSize, long[]? stride, long[]? padding, long[]? dilation, bool ceiling, GraphValue input, params GraphAttribute[] more)
    {
        if (ceiling)
        {
            throw Unsupported($"({type}) rounds sizes up (ceil_mode), which cannot be described");
        }

        var kernel = Pair(kernelSize, 1);
        var strides = stride is { Length: > 0 } ? Pair(stride, 1) : kernel;
        var pads = Pair(padding, 0);
        pads = [pads[0], pads[1], pads[0], pads[1]];
        var dilations = Pair(dilation, 1);
        List<GraphAttribute> attributes = [new("kernel_shape", Integers: kernel), new("strides", Integers: strides), new("pads", Integers: pads), .. more];
        if (dilations is not [1, 1])
        {
            attributes.Add(new GraphAttribute("dilations", Integers: dilations));
        }

        return Emit(type, "", [input], [], [input.Shape[0], input.Shape[1], .. Spatial(input, null, kernel, strides, dilations, pads)], [.. attributes]);
    }

    private GraphValue AdaptivePool(long[] size, GraphValue input)
    {
        var (height, width) = (input.Shape[2], input.Shape[3]);
        if (size is [1, 1])
        {
            return PoolToOne("", input);
        }

        if (size[0] == height && size[1] == width)
        {
            return input;
        }

        if (height == 1 && width == 1)
        {
            return Emit("Tile", "", [input], [Integers("repeats", 1, 1, size[0], size[1])], [input.Shape[0], input.Shape[1], size[0], size[1]]);
        }

        long[] kernel = [height / size[0], width / size[1]];
        return height % size[0] == 0 && width % size[1] == 0
            ? Pool("AveragePool", kernel, kernel, null, null, false, input)
            : Means(Means(input, size[1], "columns"), size[0], "rows");
    }

    // Means over parts of the last axis, which then changes places with the one before it: twice are both axes where they were.
    private GraphValue Means(GraphValue input, long outputs, string suffix)
    {
        var inputs = input.Shape[^1];
        var weights = new GraphConstant($"means_{inputs}_{outputs}", MeanWeights(inputs, outputs));
        return Transpose(Emit("MatMul", suffix, [input], [weights], [.. input.Shape.SkipLast(1), outputs]), 0, 1, 3, 2);
    }

    // [inputs, outputs]: part i begins at ⌊i · inputs / outputs⌋ and ends before ⌈(i + 1) · inputs / outputs⌉, as in torch; parts may overlap.
    private Tensor MeanWeights(long inputs, long outputs)
    {
        if (_means.TryGetValue((inputs, outputs), out var known))
        {
            return known;
        }

        var values = new float[inputs * outputs];
        for (var part = 0L; part < outputs; part++)
        {
            var (start, end) = (part * inputs / outputs, (((part + 1) * inputs) + outputs - 1) / outputs);
            for (var i = start; i < end; i++)
            {
                values[(i * outputs) + part] = 1f / (end - start);
            }
        }

        return _means[(inputs, outputs)] = tensor(values, [inputs, outputs]);
    }

    private GraphValue PoolToOne(string suffix, GraphValue input) => Emit("GlobalAveragePool", suffix, [input], [], [input.Shape[0], input.Shape[1], 1, 1]);

    private GraphValue FlattenAs(string suffix, GraphValue input) => input.Shape.Count == 2
        ? input
        : Emit("Flatten", suffix, [input], [], [input.Shape[0], input.Shape.Skip(1).Aggregate(1L, (product, axis) => product * axis)], new GraphAttribute("axis", 1));

    /// <summary>An operation called after the module it stands in (and what it does there, where the module does several things).</summary>
    private GraphValue Emit(string type, string suffix, IReadOnlyList<GraphValue> inputs, IReadOnlyList<GraphConstant> constants, IReadOnlyList<long> shape, params GraphAttribute[] attributes)
    {
        var name = string.Join('.', new[] { CurrentPath, suffix }.Where(part => part.Length > 0));
        var count = _used[name] = _used.GetValueOrDefault(name) + 1;
        name = count == 1 ? name : $"{name}#{count}";
        var output = new GraphValue(name + ":output", shape);
        Visit(new GraphOperation(type, name, inputs, [.. constants.Select(constant => constant.Weights is null ? constant with { Name = $"{name}.{constant.Name}" } : constant)], output, attributes));
        return output;
    }

    private GraphConstant[] Parameters(Tensor weight, Tensor? bias) =>
        bias is null ? [Weights("weight", weight)] : [Weights("weight", weight), Weights("bias", bias)];

    private GraphConstant Weights(string name, Tensor value) => new(CurrentPath.Length == 0 ? name : $"{CurrentPath}.{name}", value);

    private static GraphConstant Integers(string name, params long[] values) => new(name, null, values);

    private long[] Spatial(GraphValue input, nn.Module? layer, long[] kernel, long[] stride, long[] dilation, long[] pads)
    {
        if (input.Shape.Count != 4)
        {
            throw Unsupported($"is given values of shape {Text(input)}; it needs [N, C, H, W]", layer);
        }

        return [.. new[] { 0, 1 }.Select(axis => ((input.Shape[axis + 2] + pads[axis] + pads[axis + 2] - (dilation[axis] * (kernel[axis] - 1)) - 1) / stride[axis]) + 1)];
    }

    /// <summary>Both axes' values, where TorchSharp may keep one number for both or none for the default.</summary>
    private static long[] Pair(long[]? values, long otherwise) => values switch
    {
        null or [] => [otherwise, otherwise],
        [var both] => [both, both],
        _ => [values[0], values[1]],
    };

    private static string Text(GraphValue value) => $"[{string.Join(", ", value.Shape)}]";

    private NotSupportedException Unsupported(string what, nn.Module? module = null) =>
        new($"module `{CurrentPath}`{(module is null ? "" : $" ({module.GetType().Name})")} {what}");
}
