using System.Security.Cryptography;

namespace DistillSharp.Export.Onnx;

/// <summary>What stands in an ONNX file beside its graph, and the hash of its content; read without ONNX Runtime.</summary>
/// <param name="FormatVersion">Version of the file format.</param>
/// <param name="Producer">Who wrote it.</param>
/// <param name="ContentSha256">SHA-256 of every field but the metadata, byte by byte: versions, operations, weights.</param>
/// <param name="Metadata">Free texts.</param>
public sealed record OnnxFile(long FormatVersion, string Producer, string ContentSha256, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no sound ONNX file; says what is wrong where.</exception>
    public static OnnxFile Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        var reader = new ProtobufReader(stream);
        using var content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (version, producer, graphs) = (0L, "", 0);
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            while (stream.Position < stream.Length)
            {
                var start = stream.Position;
                var (field, type) = reader.Tag();
                switch (field, type)
                {
                    case (1, 0):
                        version = (long)reader.Varint();
                        break;
                    case (2, 2):
                        producer = reader.Text();
                        break;
                    case (14, 2):
                        var (key, value) = reader.Entry();
                        metadata[key] = metadata.ContainsKey(key) ? throw new InvalidDataException($"its metadata has `{key}` twice") : value;
                        continue;
                    default:
                        graphs += field == 7 ? 1 : 0;
                        reader.Skip(type);
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
