using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>Writes graphs of several inputs of any type, operation by operation; field numbers are those of onnx.proto.</summary>
internal sealed class OnnxWriter
{
    /// <summary>onnx.proto's number of float32.</summary>
    public const int Float = 1;

    /// <summary>onnx.proto's number of int64.</summary>
    public const int Int64 = 7;

    private readonly ProtobufWriter _nodes = new();
    private readonly ProtobufWriter _weights = new();
    private readonly ProtobufWriter _ends = new();
    private readonly HashSet<string> _constants = [];
    private int _count;

    /// <summary>An input; a name in the place of a length stands for any.</summary>
    public string Input(string name, int type, params object[] shape)
    {
        _ends.Message(11, ValueInfo(name, type, shape));
        return name;
    }

    /// <summary>Makes a value an output.</summary>
    public void Output(string value, string name, int type, params object[] shape)
    {
        Add("Identity", [value], name);
        _ends.Message(12, ValueInfo(name, type, shape));
    }

    /// <summary>A weight by its name in the network.</summary>
    public string Weight(string name, Tensor value)
    {
        if (_constants.Add(name))
        {
            using var local = value.detach().to(ScalarType.Float32).cpu().contiguous();
            _weights.Message(5, new ProtobufWriter().Integers(1, local.shape).Integer(2, Float).Text(8, name).Raw(9, local.bytes));
        }

        return name;
    }

    /// <summary>Whole numbers [n], or one without an axis.</summary>
    public string Numbers(params long[] values) => Constant($"i{string.Join('_', values)}", Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>A whole number without an axis.</summary>
    public string Number(long value) => Constant($"s{value}", Int64, [], MemoryMarshal.AsBytes<long>([value]));

    /// <summary>A number without an axis.</summary>
    public string Scalar(float value) => Constant($"f{BitConverter.SingleToInt32Bits(value):x}", Float, [], MemoryMarshal.AsBytes<float>([value]));

    /// <summary>An operation of one output.</summary>
    public string Add(string type, IReadOnlyList<string> inputs, string? output = null, params (string Name, object Value)[] attributes)
    {
        output ??= $"v{_count}";
        Node(type, inputs, [output], attributes);
        return output;
    }

    /// <summary>An operation of several outputs.</summary>
    public IReadOnlyList<string> AddMany(string type, IReadOnlyList<string> inputs, int outputs, params (string Name, object Value)[] attributes)
    {
        List<string> names = [.. Enumerable.Range(0, outputs).Select(i => $"v{_count}_{i}")];
        Node(type, inputs, names, attributes);
        return names;
    }

    /// <summary>The graph as a GraphProto.</summary>
    public ProtobufWriter Build(string name)
    {
        // A message is its fields one after another.
        return new ProtobufWriter().Append(_nodes).Text(2, name).Append(_weights).Append(_ends);
    }

    private void Node(string type, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs, (string Name, object Value)[] attributes)
    {
        var node = new ProtobufWriter();
        inputs.ToList().ForEach(input => node.Text(1, input));
        outputs.ToList().ForEach(output => node.Text(2, output));
        node.Text(3, $"{type}_{_count++}").Text(4, type);
        foreach (var (name, value) in attributes)
        {
            node.Message(5, value switch
            {
                long number => new ProtobufWriter().Text(1, name).Integer(3, number).Integer(20, 2),
                float number => new ProtobufWriter().Text(1, name).Number(2, number).Integer(20, 1),
                string text => new ProtobufWriter().Text(1, name).Text(4, text).Integer(20, 3),
                long[] numbers => Unpacked(new ProtobufWriter().Text(1, name), numbers).Integer(20, 7),
                _ => throw new NotSupportedException($"attribute {name}"),
            });
        }

        _nodes.Message(1, node);
    }

    private static ProtobufWriter Unpacked(ProtobufWriter writer, long[] numbers)
    {
        numbers.ToList().ForEach(number => writer.Integer(8, number));
        return writer;
    }

    private string Constant(string name, int type, IReadOnlyList<long> shape, ReadOnlySpan<byte> bytes)
    {
        if (_constants.Add(name))
        {
            _weights.Message(5, new ProtobufWriter().Integers(1, shape).Integer(2, type).Text(8, name).Raw(9, bytes));
        }

        return name;
    }

    private static ProtobufWriter ValueInfo(string name, int type, object[] shape)
    {
        var axes = new ProtobufWriter();
        foreach (var axis in shape)
        {
            axes.Message(1, axis is string free ? new ProtobufWriter().Text(2, free) : new ProtobufWriter().Integer(1, Convert.ToInt64(axis, System.Globalization.CultureInfo.InvariantCulture)));
        }

        return new ProtobufWriter().Text(1, name).Message(2, new ProtobufWriter().Message(1, new ProtobufWriter().Integer(1, type).Message(2, axes)));
    }
}
