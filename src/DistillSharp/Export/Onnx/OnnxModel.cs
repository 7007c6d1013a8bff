using System.Buffers.Binary;
using System.Security.Cryptography;

namespace DistillSharp.Export.Onnx;

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

        var type = ProtobufFields.First<byte[]>(_graph.Single(entry => entry.Field == 12 && ProtobufFields.Name(entry.Bytes) == output).Bytes, (2, 2), reader => reader.Payload(), []);
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
            graph.Message(1, operation.ToMessage());
        }

        foreach (var (field, bytes) in _graph)
        {
            graph.Raw(field, bytes);
        }

        foreach (var constant in Constants.Values)
        {
            graph.Message(5, constant.ToMessage());
        }

        var model = new ProtobufWriter();
        foreach (var (field, type, bytes) in _head)
        {
            _ = type == 0 ? model.Integer(field, BinaryPrimitives.ReadInt64LittleEndian(bytes)) : model.Raw(field, bytes);
        }

        return model.Message(GraphField, graph);
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
                    if (field == OperatorSetField)
                    {
                        ReadOperatorSet(payload);
                    }

                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }

    private void ReadOperatorSet(byte[] payload)
    {
        if (ProtobufFields.Last(payload, (1, 2), reader => reader.Text(), "") is "" or "ai.onnx")
        {
            Opset = ProtobufFields.Last(payload, (2, 0), reader => (long)reader.Varint(), 0L);
        }
    }

    private bool ReadGraph(ProtobufReader reader, int field)
    {
        switch (field)
        {
            case 1:
                Operations.Add(OnnxOperation.Read(reader));
                return true;
            case 5:
                var constant = OnnxConstant.Read(reader);
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
                    (field == 11 ? Inputs : Outputs).Add(ProtobufFields.Name(payload));
                }

                return true;
        }
    }

    private static void Rename(List<string> names, string from, string to)
    {
        for (var i = 0; i < names.Count; i++)
        {
            names[i] = names[i] == from ? to : names[i];
        }
    }
}
