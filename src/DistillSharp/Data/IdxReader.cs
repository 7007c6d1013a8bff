using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace DistillSharp.Data;

/// <summary>Reads IDX files (LeCun's format of MNIST), plain or gzip.</summary>
public static class IdxReader
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Bytes and axes of an IDX file of unsigned bytes.</summary>
    /// <exception cref="InvalidDataException">Not such a file, its header promises more or fewer bytes than there are, or they are more than 2 GiB.</exception>
    public static (int[] Shape, byte[] Values) Read(string path)
    {
        try
        {
            return ReadValues(path);
        }
        catch (InvalidDataException error) when (!error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path} is not a whole gzip file: {error.Message}", error);
        }
    }

    /// <summary>Shape [C, H, W] of a sample of a file of images, [N, H, W] or [N, C, H, W].</summary>
    /// <exception cref="InvalidDataException">The file has other axes, images without pixels, or images with their channels last.</exception>
    internal static long[] ImageShape(string path, int[] shape)
    {
        if (shape.Length is not (3 or 4))
        {
            throw new InvalidDataException($"{path} must have 3 or 4 axes; it has {shape.Length}");
        }

        if (shape.AsSpan(1).Contains(0))
        {
            throw new InvalidDataException($"{path} promises images of {string.Join('×', shape.Skip(1))} pixels; every axis must be at least 1");
        }

        ArrayFile.CheckChannelsFirst(path, Array.ConvertAll(shape, length => (long)length));
        return shape.Length == 3 ? [1, shape[1], shape[2]] : [shape[1], shape[2], shape[3]];
    }

    /// <summary>SHA-256 of the unpacked file that holds these values, as lower-case hex.</summary>
    public static string Sha256(IReadOnlyList<int> shape, ReadOnlySpan<byte> values)
    {
        var header = new byte[4 + (4 * shape.Count)];
        (header[2], header[3]) = (UnsignedByte, (byte)shape.Count);
        for (var i = 0; i < shape.Count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * i)), shape[i]);
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(values);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static (int[] Shape, byte[] Values) ReadValues(string path)
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
        Int128 total = 1;
        Span<byte> axis = stackalloc byte[4];
        for (var i = 0; i < shape.Length; i++)
        {
            ReadOrThrow(stream, axis, () => Wrong("it ends inside its header"));
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(axis);
            total *= shape[i];
        }

        // A plain file's size is known; a packed one expands at most 1032 times (deflate's limit).
        var most = packed ? file.Length * 1032 : file.Length - 4 - (4 * shape.Length);
        if (Array.Exists(shape, length => length < 0) || total > most)
        {
            throw Wrong($"its header promises {string.Join('×', shape)} bytes, but the file holds at most {most}");
        }

        ArrayFile.CheckSize(path, Array.ConvertAll(shape, length => (long)length), (long)total);
        var values = new byte[(int)total];
        var read = stream.ReadAtLeast(values, values.Length, throwOnEndOfStream: false);
        if (read < values.Length)
        {
            throw Wrong($"its header promises {total} bytes, {read} are there");
        }

        return stream.ReadByte() < 0 ? (shape, values) : throw Wrong($"there are more bytes than the {total} its header promises");
    }

    /// <summary>Images and labels that belong together.</summary>
    /// <exception cref="InvalidDataException">One of them is damaged, their counts differ, or a label is out of range.</exception>
    /// <param name="name">Name of the dataset.</param>
    /// <param name="imagesPath">File of 3 axes [N, H, W] or 4 [N, C, H, W].</param>
    /// <param name="labelsPath">File of 1 axis [N].</param>
    /// <param name="classes">Class names; empty for the numbers up to the largest label.</param>
    /// <param name="sha256">What the unpacked images and labels must hash to; null where any will do.</param>
    public static Dataset ReadPair(string name, string imagesPath, string labelsPath, IReadOnlyList<string> classes, (string Images, string Labels)? sha256 = null)
    {
        var (imageShape, pixels) = Read(imagesPath);
        var (labelShape, labels) = Read(labelsPath);
        if (sha256 is { } wanted)
        {
            CheckHash(name, labelsPath, wanted.Labels, Sha256(labelShape, labels));
            CheckHash(name, imagesPath, wanted.Images, Sha256(imageShape, pixels));
        }

        if (imageShape.Length is not (3 or 4) || labelShape.Length != 1)
        {
            throw new InvalidDataException($"{imagesPath} must have 3 or 4 axes and {labelsPath} 1; they have {imageShape.Length} and {labelShape.Length}");
        }

        var shape = ImageShape(imagesPath, imageShape);
        if (imageShape[0] != labelShape[0])
        {
            throw new InvalidDataException($"{imagesPath} holds {imageShape[0]} images and {labelsPath} {labelShape[0]} labels");
        }

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

    private static void CheckHash(string dataset, string path, string wanted, string found)
    {
        if (found != wanted)
        {
            throw new InvalidDataException($"{path} is not the file of {dataset}: its unpacked bytes have SHA-256 {found}, should have {wanted}. Use dataset `idx` for files of your own");
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
