using static TorchSharp.torch;

namespace DistillSharp.Data;

/// <summary>
/// Labelled samples: bytes (scaled when a batch is made) or floats in memory, or bytes that are read from files when they are needed, and
/// one class a sample. Subsets share the storage and keep the sample ids.
/// </summary>
public sealed class Dataset
{
    private readonly byte[]? _bytes;
    private readonly float[]? _floats;
    private readonly ISampleSource? _source;
    private readonly int[] _labels;
    private readonly int[] _indices;

    private Dataset(DatasetInfo info, byte[]? bytes, float[]? floats, int[] labels, int[] indices, float scale, ISampleSource? source = null)
    {
        (Info, _bytes, _floats, _labels, _indices, Scale, _source) = (info, bytes, floats, labels, indices, scale, source);
        SampleSize = checked((int)info.InputShape.Aggregate(1L, (product, axis) => product * axis));
    }

    /// <summary>What the samples are.</summary>
    public DatasetInfo Info { get; }

    /// <summary>Number of samples.</summary>
    public int Count => _indices.Length;

    /// <summary>Values in one sample.</summary>
    public int SampleSize { get; }

    /// <summary>What a stored byte is multiplied by; 1 for floats.</summary>
    public float Scale { get; }

    /// <summary>Smallest and largest number that the samples can hold: of arrays those of all of it, of files those of bytes.</summary>
    public (float Low, float High) ValueRange => IsRead ? (0, byte.MaxValue * Scale) : IsBytes ? (_bytes!.Min() * Scale, _bytes!.Max() * Scale) : (_floats!.Min(), _floats!.Max());

    /// <summary>True where samples are bytes.</summary>
    public bool IsBytes => _floats is null;

    /// <summary>True where samples are read when they are needed.</summary>
    public bool IsRead => _source is not null;

    /// <summary>Samples of bytes, multiplied by <paramref name="scale"/> in batches (1/255 for pixels).</summary>
    /// <exception cref="InvalidDataException">There are no samples, sizes do not fit, or a label is out of range.</exception>
    public static Dataset FromBytes(DatasetInfo info, byte[] samples, int[] labels, float scale)
    {
        Check(info, samples.LongLength, labels);
        return new Dataset(info, samples, null, labels, [.. Enumerable.Range(0, labels.Length)], scale);
    }

    /// <summary>Samples of bytes that are read when they are needed, multiplied by <paramref name="scale"/> in batches.</summary>
    /// <exception cref="InvalidDataException">There are no samples, or a label is out of range.</exception>
    public static Dataset FromSource(DatasetInfo info, ISampleSource source, int[] labels, float scale)
    {
        CheckLabels(info, labels);
        return new Dataset(info, null, null, labels, [.. Enumerable.Range(0, labels.Length)], scale, source);
    }

    /// <summary>Samples of floats, row by row.</summary>
    /// <exception cref="InvalidDataException">There are no samples, sizes do not fit, or a label is out of range.</exception>
    public static Dataset FromFloats(DatasetInfo info, float[] samples, int[] labels)
    {
        Check(info, samples.LongLength, labels);
        return new Dataset(info, null, samples, labels, [.. Enumerable.Range(0, labels.Length)], 1);
    }

    /// <summary>Samples from tensors: inputs [N, …] of any number type, labels [N].</summary>
    /// <exception cref="InvalidDataException">There are no samples, sizes do not fit, or a label is out of range.</exception>
    public static Dataset FromTensors(string name, Tensor inputs, Tensor labels, IReadOnlyList<string> classes)
    {
        using var scope = NewDisposeScope();
        var info = new DatasetInfo(name, inputs.shape[1..], classes);
        var values = inputs.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        return FromFloats(info, values, [.. labels.to(ScalarType.Int64).cpu().contiguous().data<long>().Select(label => checked((int)label))]);
    }

    /// <summary>Sample id of position <paramref name="i"/>: its index in the whole set, whatever subsets were taken.</summary>
    public int SampleId(int i) => _indices[i];

    /// <summary>Class of position <paramref name="i"/>; −1 for none.</summary>
    public int Label(int i) => _labels[_indices[i]];

    /// <summary>The bytes of position <paramref name="i"/>.</summary>
    public ReadOnlySpan<byte> Bytes(int i)
    {
        if (_source is null)
        {
            return _bytes.AsSpan(_indices[i] * SampleSize, SampleSize);
        }

        var read = new byte[SampleSize];
        _source.Read(_indices[i], null, read);
        return read;
    }

    /// <summary>Reads the bytes of position <paramref name="i"/> (<see cref="IsRead"/>).</summary>
    /// <param name="i">Position.</param>
    /// <param name="region">The part of what is in the file; null for the part that is evaluated on.</param>
    /// <param name="target">The sample's bytes.</param>
    /// <exception cref="InvalidDataException">The file is damaged; names it.</exception>
    public void Read(int i, Func<int, int, PixelRegion>? region, Span<byte> target) => _source!.Read(_indices[i], region, target);

    /// <summary>The floats of position <paramref name="i"/>.</summary>
    public ReadOnlySpan<float> Floats(int i) => _floats.AsSpan(_indices[i] * SampleSize, SampleSize);

    /// <summary>The samples at these positions, in this order.</summary>
    public Dataset Subset(IEnumerable<int> positions) => new(Info, _bytes, _floats, _labels, [.. positions.Select(i => _indices[i])], Scale, _source);

    /// <summary>
    /// These samples, and behind them those of another set without their labels. Ids of a set of its own go on behind this whole set's;
    /// of a subset of the same set they stay, and what is in both is there once, with its label.
    /// </summary>
    /// <exception cref="InvalidDataException">The samples have another shape.</exception>
    public Dataset WithUnlabelled(Dataset others)
    {
        if (!Info.InputShape.SequenceEqual(others.Info.InputShape))
        {
            throw new InvalidDataException(
                $"unlabelled samples of {others.Info.Name} have the shape [{string.Join(", ", others.Info.InputShape)}], those of {Info.Name} [{string.Join(", ", Info.InputShape)}]; they must be the same");
        }

        if (ReferenceEquals(_labels, others._labels))
        {
            var own = _indices.ToHashSet();
            int[] further = [.. others._indices.Where(index => !own.Contains(index))];
            var hidden = (int[])_labels.Clone();
            further.ToList().ForEach(index => hidden[index] = -1);
            return new Dataset(Info, _bytes, _floats, hidden, [.. _indices, .. further], Scale, _source);
        }

        var whole = _labels.Length;
        int[] labels = [.. _labels, .. Enumerable.Repeat(-1, others._labels.Length)];
        int[] indices = [.. _indices, .. others._indices.Select(index => whole + index)];
        if (IsRead || others.IsRead)
        {
            return IsBytes && others.IsBytes && Scale == others.Scale
                ? new Dataset(Info, null, null, labels, indices, Scale, new JoinedSource(AsSource(), whole, others.AsSource()))
                : throw new InvalidDataException($"{others.Info.Name} cannot stand behind {Info.Name}: samples that are read from files need others that are pixels too");
        }

        return IsBytes && others.IsBytes && Scale == others.Scale
            ? new Dataset(Info, [.. _bytes!, .. others._bytes!], null, labels, indices, Scale)
            : new Dataset(Info, null, [.. Numbers(), .. others.Numbers()], labels, indices, 1);
    }

    /// <summary>True where a sample has no label.</summary>
    public bool HasUnlabelled => _indices.Any(index => _labels[index] < 0);

    private ISampleSource AsSource() => _source ?? new MemorySource(_bytes!, SampleSize, (int)Info.InputShape[^2], (int)Info.InputShape[^1]);

    private IEnumerable<float> Numbers() => _floats ?? _bytes!.Select(value => value * Scale);

    /// <summary>SHA-256 over shape, labels and samples (of those that are read, over their fingerprints), as lower-case hex.</summary>
    public string Sha256()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{string.Join('x', Info.InputShape)}|{string.Join('|', Info.Classes)}"));
        for (var i = 0; i < Count; i++)
        {
            hash.AppendData(BitConverter.GetBytes(Label(i)));
            hash.AppendData(IsRead ? System.Text.Encoding.UTF8.GetBytes(_source!.Fingerprint(_indices[i])) : IsBytes ? Bytes(i) : System.Runtime.InteropServices.MemoryMarshal.AsBytes(Floats(i)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Check(DatasetInfo info, long values, int[] labels)
    {
        CheckLabels(info, labels);
        var size = info.InputShape.Aggregate(1L, (product, axis) => product * axis);
        if (values != size * labels.Length || values > int.MaxValue)
        {
            throw new InvalidDataException($"{info.Name}: {labels.Length} samples of [{string.Join(", ", info.InputShape)}] need {size * labels.Length} values, there are {values}");
        }
    }

    private static void CheckLabels(DatasetInfo info, int[] labels)
    {
        if (labels.Length == 0)
        {
            throw new InvalidDataException($"{info.Name} is empty");
        }

        var wrong = Array.FindIndex(labels, label => label < -1 || label >= info.Classes.Count);
        if (wrong >= 0)
        {
            throw new InvalidDataException($"{info.Name}: sample {wrong} has label {labels[wrong]}; labels must lie in 0…{info.Classes.Count - 1}, or be -1 for none");
        }
    }
}
