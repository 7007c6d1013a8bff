using System.Buffers.Binary;

namespace DistillSharp.Text.Corpora;

/// <summary>Compiled gettext catalogues (<c>.mo</c>), in either byte order. Plural forms are left out but for the first; contexts are dropped.</summary>
public static class GettextBinary
{
    private const uint Magic = 0x950412DE;
    private const int HeaderSize = 28;

    /// <summary>The messages that have a translation; the header, whose source is empty, is not one.</summary>
    /// <exception cref="InvalidDataException">It is no such file, or is cut off; says where.</exception>
    public static IEnumerable<SentencePair> Read(string path)
    {
        using var stream = TextLines.Open(path);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return Parse(memory.ToArray(), path);
    }

    internal static List<SentencePair> Parse(byte[] bytes, string path)
    {
        if (bytes.Length < HeaderSize)
        {
            throw new InvalidDataException($"{path}: {bytes.Length} bytes are too few for a gettext catalogue");
        }

        var little = BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic;
        if (!little && BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic)
        {
            throw new InvalidDataException($"{path} is not a compiled gettext catalogue: it does not begin with its magic number");
        }

        uint Word(long offset) => offset >= 0 && offset + 4 <= bytes.Length
            ? little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan((int)offset)) : BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan((int)offset))
            : throw new InvalidDataException($"{path} is cut off: byte {offset} is past its end ({bytes.Length})");
        var (count, originals, translations) = (Word(8), Word(12), Word(16));
        string Text(uint table, uint index)
        {
            var (length, start) = (Word(table + (8L * index)), Word(table + (8L * index) + 4));
            if (start + (long)length > bytes.Length)
            {
                throw new InvalidDataException($"{path} is cut off: message {index + 1} ends at byte {start + (long)length} of {bytes.Length}");
            }

            return GettextText.Decode(bytes.AsSpan((int)start, (int)length), $"{path}, message {index + 1}");
        }

        var pairs = new List<SentencePair>();
        for (var i = 0u; i < count; i++)
        {
            var (source, target) = (First(Text(originals, i)), First(Text(translations, i)));
            source = source[(source.IndexOf('\u0004') + 1)..];
            if (source.Length > 0 && target.Length > 0)
            {
                pairs.Add(new SentencePair(source, target, PairFilter.Normalise(source)));
            }
        }

        return pairs;
    }

    private static string First(string forms) => forms.Split('\0')[0];
}
