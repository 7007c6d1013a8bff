namespace DistillSharp.Export.Onnx;

/// <summary>One operation of a graph that is rewritten. Attributes are kept as they stand in the file.</summary>
internal sealed class OnnxOperation(string type)
{
    public string Type { get; } = type;

    public string Name { get; init; } = "";

    public string Domain { get; init; } = "";

    public List<string> Inputs { get; init; } = [];

    public List<string> Outputs { get; init; } = [];

    public Dictionary<string, byte[]> Attributes { get; init; } = [];

    public long Integer(string name, long otherwise) => Attributes.TryGetValue(name, out var bytes) ? ProtobufFields.First(bytes, (3, 0), reader => (long)reader.Varint(), otherwise) : otherwise;

    public float Number(string name, float otherwise) => Attributes.TryGetValue(name, out var bytes) ? ProtobufFields.First(bytes, (2, 5), reader => reader.Number(), otherwise) : otherwise;

    /// <summary>A whole-number attribute as bytes.</summary>
    public static byte[] IntegerAttribute(string name, long value) => new ProtobufWriter().Text(1, name).Integer(3, value).Integer(20, 2).ToArray();

    /// <summary>Reads the message that follows.</summary>
    /// <exception cref="NotSupportedException">It has a graph of its own.</exception>
    public static OnnxOperation Read(ProtobufReader reader)
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
                    attributes[ProtobufFields.Name(attribute)] = attribute;
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

    /// <summary>As a message.</summary>
    public ProtobufWriter ToMessage()
    {
        var node = new ProtobufWriter();
        Inputs.ForEach(name => node.Text(1, name));
        Outputs.ForEach(name => node.Text(2, name));
        node.Text(3, Name).Text(4, Type);
        foreach (var attribute in Attributes.Values)
        {
            node.Raw(5, attribute);
        }

        return Domain.Length > 0 ? node.Text(7, Domain) : node;
    }
}
