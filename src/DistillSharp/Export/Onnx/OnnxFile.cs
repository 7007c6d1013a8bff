using System.Security.Cryptography;
using System.Text;

namespace DistillSharp.Export.Onnx;

/// <summary>What stands in an ONNX file beside its graph, and the hash of its content; read without ONNX Runtime.</summary>
/// <param name="FormatVersion">Version of the file format.</param>
/// <param name="Producer">Who wrote it.</param>
/// <param name="ContentSha256">SHA-256 of every field but the metadata, byte by byte: versions, operations, weights.</param>
/// <param name="Metadata">Free texts.</param>
public sealed record OnnxFile(long FormatVersion, string Producer, string ContentSha256, IReadOnlyDictionary<string, string> Metadata)
{
    private const int MaxTextLength = 64 << 20;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no sound ONNX file; says what is wrong where.</exception>
    public static OnnxFile Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (version, producer, graphs) = (0L, "", 0);
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            while (stream.Position < stream.Length)
            {
                var start = stream.Position;
                var (field, type) = Tag(stream);
                switch (field, type)
                {
                    case (1, 0):
                        version = (long)Varint(stream);
                        break;
                    case (2, 2):
                        producer = Encoding.UTF8.GetString(Delimited(stream));
                        break;
                    case (14, 2):
                        var (key, value) = Entry(Delimited(stream));
                        metadata[key] = metadata.ContainsKey(key) ? throw new InvalidDataException($"its metadata has `{key}` twice") : value;
                        continue;
                    default:
                        graphs += field == 7 ? 1 : 0;
                        Skip(stream, type);
                        break;
                }

                Append(content, stream, start);
            }
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path} is no sound ONNX file: {error.Message} (near byte {stream.Position})");
        }

        return graphs == 1
            ? new OnnxFile(version, producer, Convert.ToHexStringLower(content.GetHashAndReset()), metadata)
            : throw new InvalidDataException($"{path} is no sound ONNX file: it has {graphs} graphs instead of 1");
    }

    private static (string Key, string Value) Entry(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        var (key, value) = ("", "");
        while (stream.Position < stream.Length)
        {
            switch (Tag(stream))
            {
                case (1, 2):
                    key = Encoding.UTF8.GetString(Delimited(stream));
                    break;
                case (2, 2):
                    value = Encoding.UTF8.GetString(Delimited(stream));
                    break;
                case var (_, type):
                    Skip(stream, type);
                    break;
            }
        }

        return (key, value);
    }

    private static (int Field, int Type) Tag(Stream stream)
    {
        var tag = Varint(stream);
        return tag is >= 8 and <= uint.MaxValue ? ((int)(tag >> 3), (int)(tag & 7)) : throw new InvalidDataException($"{tag} is no field tag");
    }

    private static ulong Varint(Stream stream)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = stream.ReadByte();
            if (part < 0)
            {
                throw new InvalidDataException("it ends within a number");
            }

            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number has more than 64 bits");
    }

    private static long Length(Stream stream)
    {
        var length = Varint(stream);
        var left = stream.Length - stream.Position;
        return length <= (ulong)left ? (long)length : throw new InvalidDataException($"a field claims {length} bytes and {left} are left");
    }

    private static byte[] Delimited(Stream stream)
    {
        var length = Length(stream);
        if (length > MaxTextLength)
        {
            throw new InvalidDataException($"a text has {length} bytes; at most {MaxTextLength} are read");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Skip(Stream stream, int type)
    {
        var length = type switch
        {
            0 => Varint(stream) & 0,
            1 => 8UL,
            2 => (ulong)Length(stream),
            5 => 4UL,
            _ => throw new InvalidDataException($"fields of wire type {type} do not occur"),
        };
        if (length > (ulong)(stream.Length - stream.Position))
        {
            throw new InvalidDataException("it ends within a field");
        }

        stream.Position += (long)length;
    }

    private static void Append(IncrementalHash hash, Stream stream, long start)
    {
        var left = stream.Position - start;
        stream.Position = start;
        var buffer = new byte[(int)Math.Min(left, 1 << 16)];
        while (left > 0)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            stream.ReadExactly(part);
            hash.AppendData(part);
            left -= part.Length;
        }
    }
}
