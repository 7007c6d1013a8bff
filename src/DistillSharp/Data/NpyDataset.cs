using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Options of <c>npy</c>: own NumPy arrays.</summary>
public sealed record NpyOptions
{
    /// <summary>Training samples.</summary>
    [Option("NPY file of the training samples [N, ...]", Required = true, DataPath = true)]
    public string TrainInputs { get; init; } = "";

    /// <summary>Training labels.</summary>
    [Option("NPY file of the training labels [N]", Required = true, DataPath = true)]
    public string TrainLabels { get; init; } = "";

    /// <summary>Test samples.</summary>
    [Option("NPY file of the test samples [N, ...]", Required = true, DataPath = true)]
    public string TestInputs { get; init; } = "";

    /// <summary>Test labels.</summary>
    [Option("NPY file of the test labels [N]", Required = true, DataPath = true)]
    public string TestLabels { get; init; } = "";

    /// <summary>Class names.</summary>
    [Option("class names in label order; numbers by default")]
    public IReadOnlyList<string> Classes { get; init; } = [];
}

/// <summary>
/// NumPy's .npy files, versions 1 to 3: little-endian whole and floating-point numbers in C order. Object arrays, which are
/// Python pickles, are refused.
/// </summary>
public static partial class NpyDataset
{
    private const int LargestHeader = 1 << 20;

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "npy", "your own NumPy arrays (.npy)", "your own", typeof(NpyOptions), _ => null, (options, _) => Load((NpyOptions)options));

    /// <summary>Reads four arrays; bytes are taken as pixels (scaled by 1/255), and images have their channels first.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, does not fit the others, or has images with their channels last.</exception>
    public static DatasetPair Load(NpyOptions options)
    {
        var train = LoadSplit(options.TrainInputs, options.TrainLabels, options.Classes);
        var test = LoadSplit(options.TestInputs, options.TestLabels, train.Info.Classes);
        return Enumerable.Range(0, test.Count).FirstOrDefault(i => test.Label(i) < 0, -1) is var missing and >= 0
            ? throw new InvalidDataException($"{options.TestLabels}: sample {missing} has the label -1, which is for training samples without one; students are measured on the test set, whose labels must lie in 0…{test.Info.Classes.Count - 1}")
            : new DatasetPair(train, test);
    }

    /// <summary>Shape and values of an array of numbers; bytes stay bytes.</summary>
    /// <exception cref="InvalidDataException">Not such a file, or one of more than 2 GiB.</exception>
    public static (long[] Shape, Array Values) Read(string path)
    {
        InvalidDataException Wrong(string what) => new($"{path} is not an NPY file that can be read: {what}");
        using var stream = File.OpenRead(path);
        var (header, start) = ReadHeader(stream, Wrong);
        var match = HeaderPattern().Match(header);
        if (!match.Success)
        {
            throw Wrong($"its header is {header.Trim()}");
        }

        var type = match.Groups["type"].Value;
        var size = type switch
        {
            "|u1" or "|i1" or "|b1" => 1,
            "<i4" or "<f4" => 4,
            "<i8" or "<f8" => 8,
            _ => throw Wrong($"its type is {type}; |u1, |i1, <i4, <i8, <f4 and <f8 are read{(type.Contains('O') ? ", object arrays (pickles) never" : "")}"),
        };
        if (match.Groups["order"].Value == "True")
        {
            throw Wrong("it is in Fortran order; save numpy.ascontiguousarray(array)");
        }

        var shape = match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(axis => long.TryParse(axis, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : throw Wrong($"an axis of its shape is {axis}")).ToArray();
        var bytes = shape.Aggregate((UInt128)size, (product, axis) => product > long.MaxValue ? product : product * (UInt128)axis);
        if (bytes != (UInt128)(stream.Length - start))
        {
            throw Wrong($"its header promises {string.Join('×', shape)} values of {size} bytes, {stream.Length - start} bytes follow it");
        }

        ArrayFile.CheckSize(path, shape, (long)bytes);
        var raw = new byte[(int)bytes];
        stream.ReadExactly(raw);
        return (shape, type switch
        {
            "|u1" or "|b1" => raw,
            "|i1" => MemoryMarshal.Cast<byte, sbyte>(raw).ToArray(),
            "<i4" => MemoryMarshal.Cast<byte, int>(raw).ToArray(),
            "<i8" => MemoryMarshal.Cast<byte, long>(raw).ToArray(),
            "<f4" => MemoryMarshal.Cast<byte, float>(raw).ToArray(),
            _ => MemoryMarshal.Cast<byte, double>(raw).ToArray(),
        });
    }

    private static (string Header, long Start) ReadHeader(FileStream stream, Func<string, InvalidDataException> wrong)
    {
        Span<byte> prefix = stackalloc byte[12];
        if (stream.ReadAtLeast(prefix, 12, throwOnEndOfStream: false) < 12 || prefix[0] != 0x93 || !prefix[1..6].SequenceEqual("NUMPY"u8))
        {
            throw wrong("it does not begin with \\x93NUMPY");
        }

        var wide = prefix[6] >= 2;
        var length = wide ? BinaryPrimitives.ReadUInt32LittleEndian(prefix[8..]) : BinaryPrimitives.ReadUInt16LittleEndian(prefix[8..]);
        var start = (wide ? 12 : 10) + length;
        if (prefix[6] is 0 or > 3 || length > LargestHeader || start > stream.Length)
        {
            throw wrong($"its header claims version {prefix[6]} and {length} bytes");
        }

        stream.Position = wide ? 12 : 10;
        var text = new byte[length];
        stream.ReadExactly(text);
        return (Encoding.UTF8.GetString(text), start);
    }

    private static Dataset LoadSplit(string inputsPath, string labelsPath, IReadOnlyList<string> classes)
    {
        var (shape, values) = Read(inputsPath);
        var (labelShape, labelValues) = Read(labelsPath);
        if (shape.Length < 2 || labelShape.Length != 1 || shape[0] != labelShape[0])
        {
            throw new InvalidDataException($"{inputsPath} is [{string.Join(", ", shape)}] and {labelsPath} [{string.Join(", ", labelShape)}]; samples [N, …] and labels [N] are needed");
        }

        ArrayFile.CheckChannelsFirst(inputsPath, shape);
        var labels = labelValues switch
        {
            float[] or double[] => throw new InvalidDataException($"{labelsPath} holds fractions; labels must be whole numbers"),
            long[] wide => [.. wide.Select(label => (int)label == label ? (int)label : throw new InvalidDataException($"{labelsPath} holds the label {label}"))],
            _ => labelValues.Cast<object>().Select(label => Convert.ToInt32(label, CultureInfo.InvariantCulture)).ToArray(),
        };
        var names = classes.Count > 0 ? classes : [.. Enumerable.Range(0, labels.Length == 0 ? 0 : labels.Max() + 1).Select(label => $"{label}")];
        var info = new DatasetInfo(Path.GetFileNameWithoutExtension(inputsPath), shape[1..], names);
        return ToDataset(info, values, labels);
    }

    /// <summary>Samples of an array of any number type.</summary>
    internal static Dataset ToDataset(DatasetInfo info, Array values, int[] labels)
    {
        return values switch
        {
            byte[] bytes => Dataset.FromBytes(info, bytes, labels, 1 / 255f),
            float[] floats => Dataset.FromFloats(info, floats, labels),
            double[] doubles => Dataset.FromFloats(info, [.. doubles.Select(value => (float)value)], labels),
            _ => Dataset.FromFloats(info, [.. values.Cast<object>().Select(value => Convert.ToSingle(value, CultureInfo.InvariantCulture))], labels),
        };
    }

    [GeneratedRegex(@"'descr':\s*'(?<type>[^']+)'.*'fortran_order':\s*(?<order>True|False).*'shape':\s*\((?<shape>[\d,\s]*)\)", RegexOptions.Singleline)]
    private static partial Regex HeaderPattern();
}
