using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace DistillSharp.Export.Onnx;

/// <summary>A constant of an ONNX graph; bytes are little-endian.</summary>
internal sealed record OnnxConstant(string Name, long[] Shape, int Type, byte[] Bytes)
{
    public const int FloatType = 1;
    public const int UnsignedByteType = 2;
    public const int SignedByteType = 3;
    public const int Int32Type = 6;

    /// <summary>The values of a float32 constant.</summary>
    public float[] Floats() => Type == FloatType
        ? MemoryMarshal.Cast<byte, float>(Bytes).ToArray()
        : throw new NotSupportedException($"constant `{Name}` has element type {Type}; only float32 weights are quantised");

    public static OnnxConstant Of(string name, long[] shape, float[] values) => new(name, shape, FloatType, MemoryMarshal.AsBytes<float>(values).ToArray());

    public static OnnxConstant Of(string name, long[] shape, int[] values) => new(name, shape, Int32Type, MemoryMarshal.AsBytes<int>(values).ToArray());
}

/// <summary>One operation of a graph that is rewritten. Attributes are kept as they stand in the file.</summary>
internal sealed class OnnxOperation(string type)
{
    public string Type { get; } = type;

    public string Name { get; init; } = "";

    public string Domain { get; init; } = "";

    public List<string> Inputs { get; init; } = [];

    public List<string> Outputs { get; init; } = [];

    public Dictionary<string, byte[]> Attributes { get; init; } = [];

    public long Integer(string name, long otherwise) => Attributes.TryGetValue(name, out var bytes) ? Read(bytes, 3, reader => (long)reader.Varint(), otherwise) : otherwise;

    public float Number(string name, float otherwise) => Attributes.TryGetValue(name, out var bytes) ? Read(bytes, 2, reader => reader.Number(), otherwise) : otherwise;

    /// <summary>A whole-number attribute as bytes.</summary>
    public static byte[] IntegerAttribute(string name, long value) => new ProtobufWriter().Text(1, name).Integer(3, value).Integer(20, 2).ToArray();

    private static T Read<T>(byte[] bytes, int wanted, Func<ProtobufReader, T> read, T otherwise)
    {
        using var stream = new MemoryStream(bytes);
        var reader = new ProtobufReader(stream);
        while (stream.Position < stream.Length)
        {
            var (field, type) = reader.Tag();
            if (field == wanted)
            {
                return read(reader);
            }

            reader.Skip(type);
        }

        return otherwise;
    }
}

/// <summary>A whole ONNX model in memory, to be rewritten: operations and constants are open, everything else is kept byte by byte.</summary>
internal sealed class OnnxModel
{
    private const int GraphField = 7;
    private const int OperatorSetField = 8;
    private const int MetadataField = 14;

    private readonly List<(int Field, int Type, byte[] Bytes)> _head = [];
    private readonly List<(int Field, byte[] Bytes)> _graph = [];

    public List<OnnxOperation> Operations { get; private set; } = [];

    public OrderedDictionary<string, OnnxConstant> Constants { get; } = [];

    /// <summary>Names of inputs that are no constants.</summary>
    public List<string> Inputs { get; } = [];

    public List<string> Outputs { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Version of the standard operators.</summary>
    public long Opset { get; private set; }

    /// <summary>Reads a file with its weights.</summary>
    /// <exception cref="InvalidDataException">It is no sound ONNX file.</exception>
    /// <exception cref="NotSupportedException">Its weights are kept elsewhere, or it has graphs within operations.</exception>
    public static OnnxModel Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            var model = new OnnxModel();
            model.Read(stream);
            model.Inputs.RemoveAll(model.Constants.ContainsKey);
            return model;
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path} is no sound ONNX file: {error.Message} (near byte {stream.Position})");
        }
        catch (NotSupportedException error)
        {
            throw new NotSupportedException($"{path}: {error.Message}");
        }
    }

    public void Replace(List<OnnxOperation> operations) => Operations = operations;

    /// <summary>Drops constants that nothing reads.</summary>
    public void Tidy()
    {
        var read = Operations.SelectMany(operation => operation.Inputs).ToHashSet(StringComparer.Ordinal);
        foreach (var name in Constants.Keys.Where(name => !read.Contains(name)).ToList())
        {
            Constants.Remove(name);
        }
    }

    /// <summary>Leaves nothing but one output, under a name that it is given, and what computes it.</summary>
    /// <exception cref="ArgumentException">There is no such output.</exception>
    public void Keep(string output, string name)
    {
        if (!Outputs.Contains(output))
        {
            throw new ArgumentException($"there is no output `{output}`; the outputs are {string.Join(", ", Outputs)}");
        }

        var (needed, kept) = (new HashSet<string>(StringComparer.Ordinal) { output }, new List<OnnxOperation>());
        foreach (var operation in Enumerable.Reverse(Operations).Where(operation => operation.Outputs.Exists(needed.Contains)))
        {
            kept.Insert(0, operation);
            needed.UnionWith(operation.Inputs);
        }

        var type = Field(_graph.Single(entry => entry.Field == 12 && NameOf(entry.Bytes) == output).Bytes, 2);
        _graph.RemoveAll(entry => entry.Field == 12);
        _graph.Add((12, new ProtobufWriter().Text(1, name).Raw(2, type).ToArray()));
        foreach (var operation in kept)
        {
            Rename(operation.Inputs, output, name);
            Rename(operation.Outputs, output, name);
        }

        Outputs.Clear();
        Outputs.Add(name);
        Operations = kept;
        Tidy();
    }

    /// <summary>The bytes of the model, without metadata.</summary>
    public byte[] ToArray() => Unsealed().ToArray();

    /// <summary>Writes the model with sealed metadata.</summary>
    public void CopyTo(Stream stream)
    {
        var model = Unsealed();
        var metadata = new Dictionary<string, string>(Metadata) { [Provenance.ContentSha256] = Convert.ToHexStringLower(SHA256.HashData(model.Bytes)) };
        metadata.Remove(Provenance.MetadataSha256);
        foreach (var (key, value) in Provenance.Seal(metadata))
        {
            model.Message(MetadataField, new ProtobufWriter().Text(1, key).Text(2, value));
        }

        model.CopyTo(stream);
    }

    private ProtobufWriter Unsealed()
    {
        var graph = new ProtobufWriter();
        foreach (var operation in Operations)
        {
            graph.Message(1, Write(operation));
        }

        foreach (var (field, bytes) in _graph)
        {
            graph.Raw(field, bytes);
        }

        foreach (var constant in Constants.Values)
        {
            graph.Message(5, new ProtobufWriter().Integers(1, constant.Shape).Integer(2, constant.Type).Text(8, constant.Name).Raw(9, constant.Bytes));
        }

        var model = new ProtobufWriter();
        foreach (var (field, type, bytes) in _head)
        {
            _ = type == 0 ? model.Integer(field, BinaryPrimitives.ReadInt64LittleEndian(bytes)) : model.Raw(field, bytes);
        }

        return model.Message(GraphField, graph);
    }

    private static ProtobufWriter Write(OnnxOperation operation)
    {
        var node = new ProtobufWriter();
        operation.Inputs.ForEach(name => node.Text(1, name));
        operation.Outputs.ForEach(name => node.Text(2, name));
        node.Text(3, operation.Name).Text(4, operation.Type);
        foreach (var attribute in operation.Attributes.Values)
        {
            node.Raw(5, attribute);
        }

        return operation.Domain.Length > 0 ? node.Text(7, operation.Domain) : node;
    }

    private void Read(Stream stream)
    {
        var reader = new ProtobufReader(stream);
        while (stream.Position < stream.Length)
        {
            var (field, type) = reader.Tag();
            switch (field, type)
            {
                case (GraphField, 2):
                    reader.Message((number, wire) => wire == 2 && ReadGraph(reader, number));
                    break;
                case (MetadataField, 2):
                    var (key, value) = reader.Entry();
                    Metadata[key] = value;
                    break;
                case (_, 0):
                    var bytes = new byte[sizeof(long)];
                    BinaryPrimitives.WriteInt64LittleEndian(bytes, (long)reader.Varint());
                    _head.Add((field, type, bytes));
                    break;
                case (_, 2):
                    var payload = reader.Payload();
                    _head.Add((field, type, payload));
                    ReadOperatorSet(field, payload);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }

    private void ReadOperatorSet(int field, byte[] payload)
    {
        if (field != OperatorSetField)
        {
            return;
        }

        var reader = new ProtobufReader(new MemoryStream(payload));
        var (domain, version) = ("", 0L);
        while (reader.Position < payload.Length)
        {
            switch (reader.Tag())
            {
                case (1, 2):
                    domain = reader.Text();
                    break;
                case (2, 0):
                    version = (long)reader.Varint();
                    break;
                case var (_, type):
                    reader.Skip(type);
                    break;
            }
        }

        Opset = domain is "" or "ai.onnx" ? version : Opset;
    }

    private bool ReadGraph(ProtobufReader reader, int field)
    {
        switch (field)
        {
            case 1:
                Operations.Add(ReadOperation(reader));
                return true;
            case 5:
                var constant = ReadConstant(reader);
                Constants[constant.Name] = constant;
                return true;
            case 13:
                // Shapes of inner tensors: others are made, and what reads the file finds them out.
                return false;
            default:
                var payload = reader.Payload();
                _graph.Add((field, payload));
                if (field is 11 or 12)
                {
                    (field == 11 ? Inputs : Outputs).Add(NameOf(payload));
                }

                return true;
        }
    }

    private static string NameOf(byte[] payload)
    {
        var reader = new ProtobufReader(new MemoryStream(payload));
        while (reader.Position < payload.Length)
        {
            var (field, type) = reader.Tag();
            if ((field, type) == (1, 2))
            {
                return reader.Text();
            }

            reader.Skip(type);
        }

        return "";
    }

    private static void Rename(List<string> names, string from, string to)
    {
        for (var i = 0; i < names.Count; i++)
        {
            names[i] = names[i] == from ? to : names[i];
        }
    }

    private static byte[] Field(byte[] payload, int wanted)
    {
        var reader = new ProtobufReader(new MemoryStream(payload));
        while (reader.Position < payload.Length)
        {
            var (field, type) = reader.Tag();
            if ((field, type) == (wanted, 2))
            {
                return reader.Payload();
            }

            reader.Skip(type);
        }

        return [];
    }

    private static OnnxOperation ReadOperation(ProtobufReader reader)
    {
        var (type, name, domain) = ("", "", "");
        var (inputs, outputs, attributes) = (new List<string>(), new List<string>(), new Dictionary<string, byte[]>());
        reader.Message((field, wire) =>
        {
            switch (field, wire)
            {
                case (1, 2):
                    inputs.Add(reader.Text());
                    return true;
                case (2, 2):
                    outputs.Add(reader.Text());
                    return true;
                case (3, 2):
                    name = reader.Text();
                    return true;
                case (4, 2):
                    type = reader.Text();
                    return true;
                case (5, 2):
                    var attribute = reader.Payload();
                    attributes[NameOf(attribute)] = attribute;
                    return true;
                case (7, 2):
                    domain = reader.Text();
                    return true;
                default:
                    return false;
            }
        });
        return type is "If" or "Loop" or "Scan"
            ? throw new NotSupportedException($"the operation `{name}` ({type}) has a graph of its own, which is not rewritten")
            : new OnnxOperation(type) { Name = name, Domain = domain, Inputs = inputs, Outputs = outputs, Attributes = attributes };
    }

    private static OnnxConstant ReadConstant(ProtobufReader reader)
    {
        var (name, type, shape, raw, floats) = ("", 0, new List<long>(), Array.Empty<byte>(), new List<float>());
        reader.Message((field, wire) =>
        {
            switch (field, wire)
            {
                case (1, 0):
                    shape.Add((long)reader.Varint());
                    return true;
                case (1, 2):
                    Packed(reader, inner => shape.Add((long)inner.Varint()));
                    return true;
                case (2, 0):
                    type = (int)reader.Varint();
                    return true;
                case (4, 2):
                    Packed(reader, inner => floats.Add(inner.Number()));
                    return true;
                case (5 or 7, _):
                    throw new NotSupportedException($"constant `{name}` keeps whole numbers in a way that is not read; write the file with raw data");
                case (8, 2):
                    name = reader.Text();
                    return true;
                case (9, 2):
                    raw = reader.Payload();
                    return true;
                case (13, 2):
                    throw new NotSupportedException("it keeps weights in files beside it, which are not rewritten");
                default:
                    return false;
            }
        });
        return new OnnxConstant(name, [.. shape], type, floats.Count > 0 ? MemoryMarshal.AsBytes<float>(floats.ToArray()).ToArray() : raw);
    }

    private static void Packed(ProtobufReader reader, Action<ProtobufReader> read)
    {
        var payload = reader.Payload();
        var inner = new ProtobufReader(new MemoryStream(payload));
        while (inner.Position < payload.Length)
        {
            read(inner);
        }
    }
}
