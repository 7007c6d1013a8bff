using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Text.Translation;

/// <summary>A pair of sentences as tokens; both sides end with the end token.</summary>
/// <param name="Source">Source tokens.</param>
/// <param name="Target">Target tokens.</param>
public readonly record struct EncodedPair(int[] Source, int[] Target);

/// <summary>How batches of pairs are made.</summary>
public sealed record ParallelBatchOptions
{
    /// <summary>Tokens of the longer side in a batch, padding counted; 0 makes batches of <see cref="BatchSize"/> pairs.</summary>
    public int BatchTokens { get; init; }

    /// <summary>Pairs in a batch, where tokens are not counted.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Whether every epoch has an order of its own.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Seed of the order.</summary>
    public long Seed { get; init; }
}

/// <summary>
/// Batches of pairs of like lengths, so that little is padding. Which lengths stand together is the same in every epoch; which pairs of
/// these lengths, and the order of batches, are pure functions of seed and epoch.
/// </summary>
public sealed class ParallelBatches : IBatchSource
{
    private readonly IReadOnlyList<EncodedPair> _pairs;
    private readonly ParallelBatchOptions _options;
    private readonly SequenceInfo _tokens;
    private readonly List<(int Start, int Count)> _batches = [];

    /// <summary>Batches of <paramref name="pairs"/>, whose numbers are the sample ids.</summary>
    /// <exception cref="ArgumentException">The info names no tokens.</exception>
    public ParallelBatches(DatasetInfo info, IReadOnlyList<EncodedPair> pairs, ParallelBatchOptions options)
    {
        (Info, _pairs, _options) = (info, pairs, options);
        _tokens = info.Sequence ?? throw new ArgumentException($"{info.Name} names no tokens", nameof(info));
        // The longest first: what does not fit into memory fails in the first steps of a trial.
        var sorted = Sorted(0);
        var start = 0;
        var (sources, targets) = (0, 0);
        for (var i = 0; i < sorted.Length; i++)
        {
            var pair = pairs[sorted[i]];
            var (source, target, count) = (Math.Max(sources, pair.Source.Length), Math.Max(targets, pair.Target.Length), i - start + 1);
            var full = options.BatchTokens > 0 ? count * Math.Max(source, target) > options.BatchTokens : count > options.BatchSize;
            if (full && i > start)
            {
                _batches.Add((start, i - start));
                (start, source, target) = (i, pair.Source.Length, pair.Target.Length);
            }

            (sources, targets) = (source, target);
        }

        if (sorted.Length > 0)
        {
            _batches.Add((start, sorted.Length - start));
        }
    }

    /// <inheritdoc/>
    public DatasetInfo Info { get; }

    /// <inheritdoc/>
    public bool IsAugmented => false;

    /// <inheritdoc/>
    public int SampleCount => _pairs.Count;

    /// <inheritdoc/>
    public int BatchCount => _batches.Count;

    /// <inheritdoc/>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        var sorted = Sorted(epoch);
        var order = Enumerable.Range(0, _batches.Count).ToArray();
        if (_options.Shuffle)
        {
            new StableRandom(StableRandom.Key(unchecked((ulong)_options.Seed), (ulong)epoch, 0xBA7C)).Shuffle(order);
        }

        foreach (var (start, count) in order.Skip(firstBatch).Select(number => _batches[number]))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Make(_pairs, sorted.AsSpan(start, count), _tokens);
        }
    }

    /// <summary>The pairs of these numbers as a batch, which owns its tensors.</summary>
    internal static Batch Make(IReadOnlyList<EncodedPair> pairs, ReadOnlySpan<int> numbers, SequenceInfo tokens)
    {
        var chosen = numbers.ToArray();
        int[] sources = [.. chosen.Select(number => pairs[number].Source.Length)], targets = [.. chosen.Select(number => pairs[number].Target.Length)];
        var input = Fill(chosen.Length, sources.Max(), tokens.Pad, (row, column) => column < sources[row] ? pairs[chosen[row]].Source[column] : null);
        var decoder = Fill(chosen.Length, targets.Max(), tokens.Pad, (row, column) => column == 0 ? tokens.Begin : column < targets[row] ? pairs[chosen[row]].Target[column - 1] : null);
        return new Batch
        {
            Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = input, [Batch.DecoderInput] = decoder },
            Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = Numbers(sources), [Batch.DecoderInput] = Numbers(targets) },
            Targets = Fill(chosen.Length, targets.Max(), -1, (row, column) => column < targets[row] ? pairs[chosen[row]].Target[column] : null),
            SampleIds = [.. chosen.Select(number => (long)number)],
            AugmentationKeys = new ulong[chosen.Length],
        };
    }

    // Equal lengths change places from epoch to epoch; the lengths at each place do not.
    private int[] Sorted(int epoch)
    {
        var keys = new (int Target, int Source, ulong Chance)[_pairs.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = (-_pairs[i].Target.Length, -_pairs[i].Source.Length, _options.Shuffle ? StableRandom.Key(unchecked((ulong)_options.Seed), (ulong)epoch, (ulong)i) : (ulong)i);
        }

        var sorted = Enumerable.Range(0, keys.Length).ToArray();
        Array.Sort(keys, sorted);
        return sorted;
    }

    private static Tensor Numbers(int[] values) => tensor(Array.ConvertAll(values, value => (long)value)).DetachFromDisposeScope();

    private static Tensor Fill(int rows, int columns, long fill, Func<int, int, int?> value)
    {
        var values = new long[rows * columns];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = value(i / columns, i % columns) ?? fill;
        }

        return tensor(values, [rows, columns]).DetachFromDisposeScope();
    }
}
