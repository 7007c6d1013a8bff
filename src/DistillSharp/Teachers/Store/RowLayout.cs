using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>How the outputs of one sample stand behind each other in a row.</summary>
internal sealed class RowLayout
{
    private const int LargestBlock = 1 << 22;
    private const int MostRows = 256;

    private readonly OrderedDictionary<string, (RowCodec Codec, int Offset)> _features = [];
    private readonly RowCodec _logits;

    /// <summary>The layout that a manifest describes.</summary>
    /// <exception cref="InvalidDataException">Its numbers do not go together.</exception>
    public RowLayout(StoreManifest manifest)
    {
        if (manifest.Features.Values.Append(manifest.Logits).FirstOrDefault(shape => shape.Any(axis => axis < 1)) is { } wrong)
        {
            throw new InvalidDataException($"a store's outputs cannot have the shape [{string.Join(", ", wrong)}]");
        }

        _logits = LogitsCodec(manifest);
        var bytes = _logits.Bytes;
        foreach (var (name, shape) in manifest.Features)
        {
            var codec = new DenseCodec(shape, manifest.Kind);
            _features[name] = (codec, bytes);
            bytes = checked(bytes + codec.Bytes);
        }

        RowBytes = bytes;
        BlockRows = Math.Clamp(LargestBlock / (RowBytes + sizeof(long)), 1, MostRows);
    }

    /// <summary>Bytes of a row.</summary>
    public int RowBytes { get; }

    /// <summary>Most rows in a block.</summary>
    public int BlockRows { get; }

    /// <summary>Writes what the teacher said about N samples into N rows.</summary>
    /// <exception cref="InvalidDataException">A number is not finite, or too large for the precision.</exception>
    public byte[] Encode(ModelSignals signals, long[] ids, int view)
    {
        using var scope = NewDisposeScope();
        var rows = new byte[checked(ids.Length * RowBytes)];
        Encode(signals.Logits, "logits", _logits, 0);
        foreach (var (name, (codec, offset)) in _features)
        {
            Encode(signals.Features[name], name, codec, offset);
        }

        return rows;

        void Encode(Signal signal, string name, RowCodec codec, int offset)
        {
            if (signal.Mask is not null)
            {
                throw new ArgumentException($"the teacher's {name} have valid positions of their own a sample; a store keeps outputs of one shape");
            }

            var values = signal.Value.to(ScalarType.Float32).cpu().contiguous();
            if (!values.isfinite().all().item<bool>())
            {
                throw new InvalidDataException($"the teacher gives {name} that are not finite numbers for a batch with the samples {string.Join(", ", ids.Take(16))}");
            }

            codec.Encode(values, ids, view, rows, RowBytes, offset);
        }
    }

    /// <summary>What stands in rows, with the features asked for; owned by the current dispose scope.</summary>
    public ModelSignals Decode(ReadOnlySpan<nint> rows, IReadOnlyList<string> features)
    {
        var logits = new Signal(_logits.Decode(rows, 0));
        var read = new Dictionary<string, Signal>(features.Count);
        foreach (var name in features)
        {
            read[name] = new Signal(_features[name].Codec.Decode(rows, _features[name].Offset));
        }

        return new ModelSignals(logits, read);
    }

    /// <summary>What signals would read as once they were stored; owned by the current dispose scope.</summary>
    public unsafe ModelSignals AsStored(ModelSignals signals, long[] ids, int view, IReadOnlyList<string> features)
    {
        var bytes = Encode(signals, ids, view);
        fixed (byte* start = bytes)
        {
            var rows = new nint[ids.Length];
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i] = (nint)(start + ((long)i * RowBytes));
            }

            return Decode(rows, features);
        }
    }

    /// <summary>Name of the first output that differs by more than the precision explains; null where none does.</summary>
    public string? Difference(ModelSignals stored, ModelSignals computed)
    {
        if (_logits.Excess(stored.Logits.Value, computed.Logits.Value) > 0)
        {
            return "logits";
        }

        return stored.Features.Keys.FirstOrDefault(name => _features[name].Codec.Excess(stored.Features[name].Value, computed.Features[name].Value) > 0);
    }

    private static RowCodec LogitsCodec(StoreManifest manifest)
    {
        if (manifest.TopK is null && manifest.Samples is null)
        {
            return new DenseCodec(manifest.Logits, manifest.Kind);
        }

        if (manifest.Logits.Length != 1)
        {
            throw new InvalidDataException($"top_k and samples are for one distribution a sample; the teacher's logits of a sample have shape [{string.Join(", ", manifest.Logits)}]");
        }

        var classes = manifest.Logits[0];
        if (manifest.Samples is { } samples)
        {
            return new SampleCodec(classes, samples, manifest.Temperature);
        }

        return manifest.TopK < classes
            ? new TopKCodec(classes, manifest.TopK!.Value, manifest.Kind, manifest.Temperature)
            : throw new InvalidDataException($"top_k is {manifest.TopK}, but the teacher has {classes} classes; leave top_k out to keep all of them");
    }
}
