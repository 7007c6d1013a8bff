using System.Runtime.InteropServices;

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

    /// <summary>Reads the message that follows.</summary>
    /// <exception cref="NotSupportedException">Its values are kept elsewhere, or in a way that is not read.</exception>
    public static OnnxConstant Read(ProtobufReader reader)
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

    /// <summary>As a message.</summary>
    public ProtobufWriter ToMessage() => new ProtobufWriter().Integers(1, Shape).Integer(2, Type).Text(8, Name).Raw(9, Bytes);

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
