using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>Writes a network's description as the graph of an ONNX model; field numbers are those of onnx.proto.</summary>
internal sealed class OnnxGraphBuilder : ModuleWalker
{
    /// <summary>Name of the first axis, which may have any length.</summary>
    public const string BatchAxis = "batch";

    private const int FloatType = 1;
    private const int Int64Type = 7;
    private const int IntegerAttribute = 2;
    private const int FloatAttribute = 1;
    private const int IntegersAttribute = 7;

    private readonly List<GraphOperation> _operations = [];
    private readonly List<GraphValue> _outputs = [];
    private readonly OrderedDictionary<string, GraphConstant> _constants = [];

    /// <summary>Number of operations.</summary>
    public int Count => _operations.Count;

    /// <summary>Makes a value an output of the graph under a name of its own.</summary>
    public void Output(GraphValue value, string name)
    {
        _operations.Add(new GraphOperation("Identity", name, [value], [], value with { Name = name }, []));
        _outputs.Add(value with { Name = name });
    }

    /// <summary>The graph as a GraphProto.</summary>
    public ProtobufWriter Build(string name, GraphValue input)
    {
        var graph = new ProtobufWriter();
        var operations = Needed(_operations, _outputs);
        foreach (var operation in operations)
        {
            graph.Message(1, Node(operation));
        }

        graph.Text(2, name);
        var read = operations.SelectMany(operation => operation.Constants).Select(constant => constant.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var constant in _constants.Values.Where(constant => read.Contains(constant.Name)))
        {
            graph.Message(5, Initializer(constant));
        }

        graph.Message(11, ValueInfo(input));
        foreach (var output in _outputs)
        {
            graph.Message(12, ValueInfo(output));
        }

        return graph;
    }

    /// <inheritdoc/>
    protected override void Visit(GraphOperation operation)
    {
        _operations.Add(operation);
        foreach (var constant in operation.Constants)
        {
            if (constant.Weights is { dtype: not ScalarType.Float32 } weights)
            {
                throw new NotSupportedException($"parameter `{constant.Name}` has element type {weights.dtype}; networks are exported in Float32");
            }

            // A module that is used twice has its weights in the file once.
            if (_constants.TryGetValue(constant.Name, out var known) && !ReferenceEquals(known.Weights, constant.Weights))
            {
                throw new NotSupportedException($"two modules of the description are called `{operation.Name}`");
            }

            _constants[constant.Name] = constant;
        }
    }

    private static ProtobufWriter Node(GraphOperation operation)
    {
        var node = new ProtobufWriter();
        foreach (var name in operation.Inputs.Select(input => input.Name).Concat(operation.Constants.Select(constant => constant.Name)))
        {
            node.Text(1, name);
        }

        node.Text(2, operation.Output.Name).Text(3, operation.Name).Text(4, operation.Type);
        foreach (var attribute in operation.Attributes)
        {
            node.Message(5, Attribute(attribute));
        }

        return node;
    }

    private static ProtobufWriter Attribute(GraphAttribute attribute)
    {
        var message = new ProtobufWriter().Text(1, attribute.Name);
        if (attribute.Number is { } number)
        {
            return message.Number(2, number).Integer(20, FloatAttribute);
        }

        if (attribute.Integer is { } integer)
        {
            return message.Integer(3, integer).Integer(20, IntegerAttribute);
        }

        return message.Integers(8, attribute.Integers!).Integer(20, IntegersAttribute);
    }

    private static ProtobufWriter Initializer(GraphConstant constant)
    {
        var message = new ProtobufWriter();
        if (constant.Integers is { } integers)
        {
            var bytes = new byte[integers.Count * 8];
            for (var i = 0; i < integers.Count; i++)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * 8), integers[i]);
            }

            return message.Integers(1, [integers.Count]).Integer(2, Int64Type).Text(8, constant.Name).Raw(9, bytes);
        }

        if (constant.Number is { } number)
        {
            var bytes = new byte[sizeof(float)];
            System.Buffers.Binary.BinaryPrimitives.WriteSingleLittleEndian(bytes, number);
            return message.Integer(2, FloatType).Text(8, constant.Name).Raw(9, bytes);
        }

        var weights = constant.Weights!;
        return message.Integers(1, weights.shape).Integer(2, FloatType).Text(8, constant.Name)
            .Raw(9, weights.numel() * sizeof(float), stream => Safetensors.UseBytes(weights, bytes => stream.Write(bytes)));
    }

    private static ProtobufWriter ValueInfo(GraphValue value)
    {
        var shape = new ProtobufWriter().Message(1, new ProtobufWriter().Text(2, BatchAxis));
        foreach (var axis in value.Shape.Skip(1))
        {
            shape.Message(1, new ProtobufWriter().Integer(1, axis));
        }

        var tensor = new ProtobufWriter().Integer(1, FloatType).Message(2, shape);
        return new ProtobufWriter().Text(1, value.Name).Message(2, new ProtobufWriter().Message(1, tensor));
    }
}
