using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>How batches of utterances are made.</summary>
internal sealed record SpeechBatchOptions
{
    /// <summary>Utterances in a batch.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Frames in a batch, padding counted; 0 counts utterances.</summary>
    public int BatchFrames { get; init; }

    /// <summary>Whether every epoch has an order of its own.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Seed of order and augmentation.</summary>
    public long Seed { get; init; }

    /// <summary>Random changes; null for none.</summary>
    public SpeechAugmentOptions? Augment { get; init; }
}

/// <summary>
/// Batches of utterances of like lengths: features [N, T, mels] with their lengths, and labels [N, L]. Sound is read as batches are made, the
/// next while the present one is used. Which utterances, in what order and how changed are pure functions of seed and epoch.
/// </summary>
internal sealed class SpeechBatches : IBatchSource
{
    private readonly IReadOnlyList<SpeechUtterance> _utterances;
    private readonly FeatureCache _features;
    private readonly SpeechBatchOptions _options;
    private readonly ISymbolCodec _symbols;
    private readonly List<int[]> _batches = [];

    /// <summary>Batches of utterances, whose numbers are the sample ids.</summary>
    public SpeechBatches(DatasetInfo info, IReadOnlyList<SpeechUtterance> utterances, ISymbolCodec symbols, FeatureCache features, SpeechBatchOptions options)
    {
        (Info, _utterances, _symbols, _features, _options) = (info, utterances, symbols, features, options);
        var frames = utterances.Select(features.Frames).ToArray();
        // The longest first: what does not fit into memory fails in the first steps of a trial.
        var sorted = Enumerable.Range(0, utterances.Count).OrderByDescending(i => frames[i]).ThenBy(i => StableRandom.Key(unchecked((ulong)options.Seed), (ulong)i)).ToArray();
        for (var start = 0; start < sorted.Length;)
        {
            var count = options.BatchFrames > 0 ? Math.Max(1, options.BatchFrames / frames[sorted[start]]) : options.BatchSize;
            _batches.Add(sorted[start..Math.Min(sorted.Length, start + count)]);
            start += count;
        }
    }

    /// <inheritdoc/>
    public DatasetInfo Info { get; }

    /// <inheritdoc/>
    public bool IsAugmented => _options.Augment is { IsNone: false };

    /// <inheritdoc/>
    public int SampleCount => _utterances.Count;

    /// <inheritdoc/>
    public int BatchCount => _batches.Count;

    /// <inheritdoc/>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        var order = Enumerable.Range(0, _batches.Count).ToArray();
        if (_options.Shuffle)
        {
            new StableRandom(StableRandom.Key(unchecked((ulong)_options.Seed), (ulong)epoch, 0xBA7C)).Shuffle(order);
        }

        using var pause = new CollectionPause();
        Task<Prepared>? next = null;
        for (var i = firstBatch; i < order.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var prepared = (next ?? Task.Run(() => Prepare(_batches[order[firstBatch]], epoch), cancellation)).GetAwaiter().GetResult();
            var following = i + 1 < order.Length ? _batches[order[i + 1]] : null;
            next = following is null ? null : Task.Run(() => Prepare(following, epoch), cancellation);
            yield return Make(prepared);
            CollectionPause.Renew();
        }
    }

    private sealed record Prepared(int[] Numbers, float[][] Features, int[][] Labels, ulong[] Keys);

    private Prepared Prepare(int[] numbers, int epoch)
    {
        var augment = IsAugmented ? _options.Augment : null;
        var keys = Array.ConvertAll(numbers, number => augment is null ? 0UL : StableRandom.Key(unchecked((ulong)_options.Seed), (ulong)epoch, (ulong)number));
        return new Prepared(
            numbers,
            [.. numbers.Select((number, row) => _features.Of(_utterances[number], augment, keys[row]))],
            [.. numbers.Select(number => _utterances[number].Text is { } text ? _symbols.Encode(text) : [])],
            keys);
    }

    // Tensors are made by whoever asks, so that they belong to that thread's scopes until they are taken out.
    private Batch Make(Prepared prepared)
    {
        var (rows, mels) = (prepared.Numbers.Length, _features.Mels);
        var frames = Array.ConvertAll(prepared.Features, features => (long)features.Length / mels);
        var longest = frames.Max();
        var input = zeros([rows, longest, mels], ScalarType.Float32).DetachFromDisposeScope();
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(input.bytes);
        for (var row = 0; row < rows; row++)
        {
            prepared.Features[row].CopyTo(values[(int)(row * longest * mels)..]);
        }

        var inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = input };
        var lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = tensor(frames).DetachFromDisposeScope() };
        var texts = prepared.Labels;
        if (Info.Sequence is { } tokens)
        {
            // A decoder reads the begin and all symbols, and writes all symbols and the end.
            texts = Array.ConvertAll(texts, own => (int[])[.. own.Select(SpeechTokens.OfLabel), tokens.End]);
            inputs[Batch.DecoderInput] = Fill(Array.ConvertAll(texts, own => (int[])[tokens.Begin, .. own[..^1]]), tokens.Pad);
            lengths[Batch.DecoderInput] = tensor(Array.ConvertAll(texts, own => (long)own.Length)).DetachFromDisposeScope();
        }

        return new Batch
        {
            Inputs = inputs,
            Lengths = lengths,
            Targets = Fill(texts, -1),
            SampleIds = Array.ConvertAll(prepared.Numbers, number => (long)number),
            AugmentationKeys = prepared.Keys,
        };
    }

    private static Tensor Fill(int[][] rows, long fill) => PaddedRows.Of(rows, fill).DetachFromDisposeScope();
}
