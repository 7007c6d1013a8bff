namespace DistillSharp.Export.Onnx;

/// <summary>One operation of an ONNX file.</summary>
/// <param name="Type">Operator, such as <c>Conv</c>.</param>
/// <param name="Inputs">Names of the tensors it reads.</param>
/// <param name="Outputs">Names of the tensors it makes.</param>
public sealed record OnnxNode(string Type, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs);

/// <summary>What an ONNX file computes, by the names of its tensors; read without ONNX Runtime and without the weights.</summary>
/// <param name="Nodes">Operations, each after those whose results it reads.</param>
/// <param name="Inputs">Names of the inputs that are no weights.</param>
/// <param name="Outputs">Names of the outputs.</param>
public sealed record OnnxGraph(IReadOnlyList<OnnxNode> Nodes, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs)
{
    private const int GraphField = 7;
    private const int MetadataField = 14;
    private const int OutputField = 12;

    // Loops within branches within loops: files of exporters have a few.
    private const int DeepestGraph = 64;

    /// <summary>The file's free texts.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Files beside it that hold weights, as it names them.</summary>
    public IReadOnlyList<string> WeightFiles { get; init; } = [];

    /// <summary>Names of all tensors that operations make.</summary>
    public IReadOnlyList<string> Tensors => [.. Nodes.SelectMany(node => node.Outputs).Where(name => name.Length > 0)];

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no sound ONNX file; says what is wrong where.</exception>
    public static OnnxGraph Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        var reader = new ProtobufReader(stream);
        var parts = new Parts();
        var texts = new Dictionary<string, string>();
        var graphs = 0;
        try
        {
            while (stream.Position < stream.Length)
            {
                var (field, type) = reader.Tag();
                if ((field, type) == (GraphField, 2))
                {
                    graphs++;
                    reader.Message((number, wire) => wire == 2 && parts.Read(reader, number));
                }
                else if ((field, type) == (MetadataField, 2))
                {
                    var (key, value) = reader.Entry();
                    texts[key] = value;
                }
                else
                {
                    reader.Skip(type);
                }
            }
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path} is no sound ONNX file: {error.Message} (near byte {stream.Position})");
        }

        return graphs > 0
            ? new OnnxGraph(parts.Nodes, [.. parts.Inputs.Where(name => !parts.Weights.Contains(name))], parts.Outputs) { Metadata = texts, WeightFiles = [.. parts.WeightFiles] }
            : throw new InvalidDataException($"{path} is no sound ONNX file: it has no graph");
    }

    /// <summary>
    /// The tensor that holds the logits of an output: the input of the softmax that makes it, else the output itself. A softmax
    /// loses the scale that a temperature needs where a probability is rounded to 0 or 1.
    /// </summary>
    public string LogitsOf(string output)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var name = output;
        while (seen.Add(name) && Nodes.FirstOrDefault(each => each.Outputs.Contains(name)) is { Inputs.Count: > 0 } node)
        {
            if (node.Type is "Softmax" or "LogSoftmax")
            {
                return node.Inputs[0];
            }

            if (node.Type != "Identity")
            {
                break;
            }

            name = node.Inputs[0];
        }

        return output;
    }

    /// <summary>
    /// A model with further tensors among its outputs. Protocol buffers merge messages that occur twice, so that a second graph
    /// with nothing but outputs, put behind the first, adds to it.
    /// </summary>
    public static byte[] WithOutputs(ReadOnlySpan<byte> model, IEnumerable<string> names)
    {
        var graph = new ProtobufWriter();
        foreach (var name in names)
        {
            graph.Message(OutputField, new ProtobufWriter().Text(1, name));
        }

        return [.. model, .. new ProtobufWriter().Message(GraphField, graph).Bytes];
    }

    private sealed class Parts
    {
        public List<OnnxNode> Nodes { get; } = [];

        public List<string> Inputs { get; } = [];

        public List<string> Outputs { get; } = [];

        public HashSet<string> Weights { get; } = [];

        public SortedSet<string> WeightFiles { get; } = new(StringComparer.Ordinal);

        public bool Read(ProtobufReader reader, int field)
        {
            switch (field)
            {
                case 1:
                    Nodes.Add(Node(reader, 0));
                    return true;
                case 5:
                    Weights.Add(Weight(reader));
                    return true;
                case 11:
                    Inputs.Add(Name(reader, 1));
                    return true;
                case OutputField:
                    Outputs.Add(Name(reader, 1));
                    return true;
                default:
                    return false;
            }
        }

        private string Weight(ProtobufReader reader)
        {
            var name = "";
            reader.Message((field, type) =>
            {
                switch (field, type)
                {
                    case (8, 2):
                        name = reader.Text();
                        return true;
                    case (13, 2) when reader.Entry() is var (key, value):
                        _ = key == "location" && WeightFiles.Add(value);
                        return true;
                    default:
                        return false;
                }
            });
            return name;
        }

        // Tensors of an attribute, and those of the graphs of loops and branches, may be kept in files as well.
        private void Attribute(ProtobufReader reader, int depth) => reader.Message((field, type) =>
        {
            switch (field, type)
            {
                case (5 or 10, 2):
                    Weight(reader);
                    return true;
                case (6 or 11, 2) when depth == DeepestGraph:
                    throw new InvalidDataException($"operations have graphs in each other more than {DeepestGraph} deep");
                case (6 or 11, 2):
                    reader.Message((inner, wire) =>
                    {
                        switch (inner, wire)
                        {
                            case (1, 2):
                                Node(reader, depth + 1);
                                return true;
                            case (5, 2):
                                Weight(reader);
                                return true;
                            default:
                                return false;
                        }
                    });
                    return true;
                default:
                    return false;
            }
        });

        private OnnxNode Node(ProtobufReader reader, int depth)
        {
            var (operation, inputs, outputs) = ("", new List<string>(), new List<string>());
            reader.Message((field, type) =>
            {
                switch (field, type)
                {
                    case (1, 2):
                        inputs.Add(reader.Text());
                        return true;
                    case (2, 2):
                        outputs.Add(reader.Text());
                        return true;
                    case (4, 2):
                        operation = reader.Text();
                        return true;
                    case (5, 2):
                        Attribute(reader, depth);
                        return true;
                    default:
                        return false;
                }
            });
            return new OnnxNode(operation, inputs, outputs);
        }

        private static string Name(ProtobufReader reader, int nameField)
        {
            var name = "";
            reader.Message((field, type) =>
            {
                if (field != nameField || type != 2)
                {
                    return false;
                }

                name = reader.Text();
                return true;
            });
            return name;
        }
    }
}
