using System.Buffers.Binary;
using System.IO.Compression;

namespace DistillSharp.Data;

/// <summary>Reads IDX files (LeCun's format of MNIST), plain or gzip.</summary>
public static class IdxReader
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Bytes and axes of an IDX file of unsigned bytes.</summary>
    /// <exception cref="InvalidDataException">Not such a file, or its header promises more or fewer bytes than there are.</exception>
    public static (int[] Shape, byte[] Values) Read(string path)
    {
        using var file = File.OpenRead(path);
        var packed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
        file.Position = 0;
        using var stream = packed ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
        InvalidDataException Wrong(string what) => new($"{path} is not a whole IDX file: {what}");
        Span<byte> magic = stackalloc byte[4];
        ReadOrThrow(stream, magic, () => Wrong("it is shorter than 4 bytes"));
        if (magic[0] != 0 || magic[1] != 0 || magic[2] != UnsignedByte || magic[3] is < 1 or > 4)
        {
            throw Wrong($"it begins with {Convert.ToHexString(magic)}, an IDX file of bytes begins with 000008 and the number of axes");
        }

        var shape = new int[magic[3]];
        var total = 1L;
        Span<byte> axis = stackalloc byte[4];
        for (var i = 0; i < shape.Length; i++)
        {
            ReadOrThrow(stream, axis, () => Wrong("it ends inside its header"));
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(axis);
            total = shape[i] < 0 || total > int.MaxValue ? long.MaxValue : total * shape[i];
        }

        // A plain file's size is known; a packed one expands at most 1032 times (deflate's limit).
        var most = packed ? file.Length * 1032 : file.Length - 4 - (4 * shape.Length);
        if (total > most || total > Array.MaxLength)
        {
            throw Wrong($"its header promises {string.Join('×', shape)} bytes, but the file holds at most {most}");
        }

        var values = new byte[total];
        var read = stream.ReadAtLeast(values, values.Length, throwOnEndOfStream: false);
        if (read < values.Length)
        {
            throw Wrong($"its header promises {total} bytes, {read} are there");
        }

        return stream.ReadByte() < 0 ? (shape, values) : throw Wrong($"there are more bytes than the {total} its header promises");
    }

    /// <summary>Images and labels that belong together.</summary>
    /// <exception cref="InvalidDataException">One of them is damaged, their counts differ, or a label is out of range.</exception>
    public static Dataset ReadPair(string name, string imagesPath, string labelsPath, IReadOnlyList<string> classes)
    {
        var (imageShape, pixels) = Read(imagesPath);
        var (labelShape, labels) = Read(labelsPath);
        if (imageShape.Length is not (3 or 4) || labelShape.Length != 1)
        {
            throw new InvalidDataException($"{imagesPath} must have 3 or 4 axes and {labelsPath} 1; they have {imageShape.Length} and {labelShape.Length}");
        }

        if (imageShape[0] != labelShape[0])
        {
            throw new InvalidDataException($"{imagesPath} holds {imageShape[0]} images and {labelsPath} {labelShape[0]} labels");
        }

        long[] shape = imageShape.Length == 3 ? [1, imageShape[1], imageShape[2]] : [imageShape[1], imageShape[2], imageShape[3]];
        var names = classes.Count > 0 ? classes : [.. Enumerable.Range(0, labels.Length == 0 ? 0 : labels.Max() + 1).Select(label => $"{label}")];
        try
        {
            return Dataset.FromBytes(new DatasetInfo(name, shape, names), pixels, [.. labels.Select(label => (int)label)], 1 / 255f);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{imagesPath}, {labelsPath}: {error.Message}", error);
        }
    }

    private static void ReadOrThrow(Stream stream, Span<byte> target, Func<InvalidDataException> wrong)
    {
        if (stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length)
        {
            throw wrong();
        }
    }
}
