namespace DistillSharp.Export.Onnx;

/// <summary>Single fields of messages that are held as bytes.</summary>
internal static class ProtobufFields
{
    /// <summary>The first field of a number and wire type; another value where there is none.</summary>
    /// <exception cref="InvalidDataException">The message is not sound up to there.</exception>
    public static T First<T>(byte[] message, (int Field, int Type) wanted, Func<ProtobufReader, T> read, T otherwise)
    {
        var reader = new ProtobufReader(new MemoryStream(message));
        while (reader.Position < message.Length)
        {
            var tag = reader.Tag();
            if (tag == wanted)
            {
                return read(reader);
            }

            reader.Skip(tag.Type);
        }

        return otherwise;
    }

    /// <summary>The last field of a number and wire type, which is the one that counts for protobuf; another value where there is none. The whole message is read.</summary>
    /// <exception cref="InvalidDataException">The message is not sound.</exception>
    public static T Last<T>(byte[] message, (int Field, int Type) wanted, Func<ProtobufReader, T> read, T otherwise)
    {
        var reader = new ProtobufReader(new MemoryStream(message));
        while (reader.Position < message.Length)
        {
            var tag = reader.Tag();
            if (tag == wanted)
            {
                otherwise = read(reader);
            }
            else
            {
                reader.Skip(tag.Type);
            }
        }

        return otherwise;
    }

    /// <summary>The text of field 1, which is the name of most of ONNX's messages; empty where there is none.</summary>
    public static string Name(byte[] message) => First(message, (1, 2), reader => reader.Text(), "");
}
