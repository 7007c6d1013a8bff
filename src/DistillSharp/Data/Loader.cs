using System.Runtime.InteropServices;
using System.Threading.Channels;
using static TorchSharp.torch;

namespace DistillSharp.Data;

/// <summary>How a <see cref="Loader"/> makes batches.</summary>
public sealed record LoaderOptions
{
    /// <summary>Samples in a batch.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Whether each epoch has an order of its own.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Seed of order and augmentation.</summary>
    public long Seed { get; init; }

    /// <summary>Random changes; none for evaluation.</summary>
    public AugmentOptions Augment { get; init; } = new();

    /// <summary>
    /// Number of fixed views that an augmented sample has: epoch e shows view e mod Views, whatever the seed (<see cref="FixedViews"/>).
    /// 0 gives each epoch and seed views of its own.
    /// </summary>
    public int Views { get; init; }

    /// <summary>Mean and deviation a channel; null leaves values as they are.</summary>
    public Normalisation? Normalise { get; init; }

    /// <summary>Which samples a batch brings along as its <see cref="Batch.Partner"/>.</summary>
    public BatchPartner Partner { get; init; }

    /// <summary>Batches made ahead by another thread; 0 makes each when it is asked for.</summary>
    public int Prefetch { get; init; } = 4;

    /// <summary>Threads that decode and change the samples of a batch; 0 for one a processor where samples are read from files or changed at length, else one. Batches are the same for any number.</summary>
    public int Workers { get; init; }
}

/// <summary>
/// Batches of a dataset. Order, augmentation and partner of a sample are pure functions of seed, epoch and sample id, so
/// they are the same for any prefetching and wherever an epoch is entered.
/// </summary>
public sealed class Loader : IBatchSource
{
    private readonly Dataset _data;
    private readonly LoaderOptions _options;
    // Any numbers do, as long as they differ from each other: they keep a sample's draws apart.
    private const ulong PairDraw = 0x9A17;
    private const ulong PairView = 0x51DE;
    private const ulong SecondView = 0x2E1E;

    private readonly SampleWriter _writer;
    private readonly SamplePairs? _pairs;

    /// <summary>Batches of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The batch size is below 1 or the prefetch depth below 0.</exception>
    /// <exception cref="ArgumentException">Partners of the same class are asked for and a class has one sample.</exception>
    public Loader(Dataset data, LoaderOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1, nameof(LoaderOptions.BatchSize));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Prefetch, nameof(LoaderOptions.Prefetch));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Workers, nameof(LoaderOptions.Workers));
        _data = data;
        _options = options;
        _writer = new SampleWriter(data, options.Augment, options.Normalise);
        _pairs = options.Partner == BatchPartner.SameClass ? new SamplePairs(data) : null;
    }

    /// <inheritdoc/>
    public DatasetInfo Info => _data.Info;

    /// <inheritdoc/>
    public bool IsAugmented => !_options.Augment.IsNone;

    /// <inheritdoc/>
    public BatchPartner Partner => _options.Partner;

    /// <inheritdoc/>
    public int SampleCount => _data.Count;

    /// <inheritdoc/>
    public int BatchCount => (_data.Count + _options.BatchSize - 1) / _options.BatchSize;

    /// <summary>Sample id at a position of the dataset.</summary>
    public long SampleId(int position) => _data.SampleId(position);

    /// <summary>The samples at these positions of the dataset, as the fixed view <paramref name="view"/> shows them; the caller disposes the batch.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such view.</exception>
    public Batch Samples(ReadOnlySpan<int> positions, int view)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(view);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(view, Math.Max(1, _options.Views));
        int[] wanted = [.. positions];
        return Write(wanted, Keys(wanted, 0, view), null);
    }

    /// <inheritdoc/>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        var order = Order(epoch);
        var numbers = Enumerable.Range(firstBatch, Math.Max(0, BatchCount - firstBatch));
        return _options.Prefetch == 0 ? Direct(numbers, order, epoch, cancellation) : Ahead(numbers, order, epoch, cancellation);
    }

    private int Threads => _options.Workers > 0 ? _options.Workers : _data.IsRead || _options.Augment.NeedsBytes ? 0 : 1;

    private IEnumerable<Batch> Direct(IEnumerable<int> numbers, int[] order, int epoch, CancellationToken cancellation)
    {
        foreach (var number in numbers)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Make(order, number, epoch);
        }
    }

    private IEnumerable<Batch> Ahead(IEnumerable<int> numbers, int[] order, int epoch, CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<Batch>(new BoundedChannelOptions(_options.Prefetch) { SingleReader = true, SingleWriter = true });
        using var stop = new CancellationTokenSource();
        var producer = Task.Run(async () =>
        {
            try
            {
                foreach (var number in numbers)
                {
                    var batch = Make(order, number, epoch);
                    try
                    {
                        await channel.Writer.WriteAsync(batch, stop.Token).ConfigureAwait(false);
                    }
                    catch (OperationCanceledException)
                    {
                        batch.Dispose();
                        throw;
                    }
                }

                channel.Writer.Complete();
            }
            catch (Exception error)
            {
                channel.Writer.Complete(error is OperationCanceledException ? null : error);
            }
        }, CancellationToken.None);

        // Threads that decode samples or change them at length take memory beside the training, and may start a collection in the middle of it. Where
        // samples are only copied, a few small arrays a batch are all.
        var allocates = _data.IsRead || _options.Augment.NeedsBytes;
        using var pause = allocates ? new CollectionPause() : null;
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (!channel.Reader.TryRead(out var batch))
                {
                    if (!channel.Reader.WaitToReadAsync(cancellation).AsTask().GetAwaiter().GetResult())
                    {
                        break;
                    }

                    continue;
                }

                yield return batch;
                if (allocates)
                {
                    CollectionPause.Renew();
                }
            }
        }
        finally
        {
            stop.Cancel();
            producer.GetAwaiter().GetResult();
            while (channel.Reader.TryRead(out var left))
            {
                left.Dispose();
            }
        }
    }

    private int[] Order(int epoch)
    {
        var order = Enumerable.Range(0, _data.Count).ToArray();
        if (_options.Shuffle)
        {
            new StableRandom(StableRandom.Key(unchecked((ulong)_options.Seed), (ulong)epoch, 0x0DE4)).Shuffle(order);
        }

        return order;
    }

    private Batch Make(int[] order, int number, int epoch)
    {
        var positions = Positions(order, number);
        return Write(positions, Keys(positions, 0, epoch), Partners(positions, order, number, epoch));
    }

    private int[] Positions(int[] order, int number)
    {
        var first = number * _options.BatchSize;
        return order[first..Math.Min(first + _options.BatchSize, order.Length)];
    }

    private Batch? Partners(int[] positions, int[] order, int number, int epoch)
    {
        if (_pairs is not null)
        {
            var partners = Array.ConvertAll(positions, position =>
                _pairs.Draw(position, new StableRandom(StableRandom.Key(unchecked((ulong)_options.Seed) ^ PairDraw, (ulong)epoch, (ulong)_data.SampleId(position)))));
            return Write(partners, Keys(positions, PairView, epoch), null);
        }

        if (_options.Partner != BatchPartner.PreviousBatch || (number == 0 && epoch == 0))
        {
            return null;
        }

        var (earlier, from) = number > 0 ? (Positions(order, number - 1), epoch) : (Positions(Order(epoch - 1), BatchCount - 1), epoch - 1);
        return Write(earlier, Keys(earlier, SecondView, from), null);
    }

    private ulong[] Keys(int[] positions, ulong draw, int epoch) => _options.Augment.IsNone
        ? new ulong[positions.Length]
        : _options.Views > 0 && draw == 0
        ? Array.ConvertAll(positions, position => FixedViews.Key(epoch % _options.Views, _data.SampleId(position)))
        : Array.ConvertAll(positions, position => StableRandom.Key(unchecked((ulong)_options.Seed) ^ draw, (ulong)epoch, (ulong)_data.SampleId(position)));

    // Batches outlive the scopes of whoever asks for them. Samples are written straight into the tensor: managed arrays of
    // this size are not collected for a long time, and the process would grow by two of them a batch.
    private Batch Write(int[] positions, ulong[] keys, Batch? partner)
    {
        var shape = new[] { (long)positions.Length }.Concat(_data.Info.InputShape).ToArray();
        var input = zeros(shape, ScalarType.Float32).DetachFromDisposeScope();
        try
        {
            InParallel.For(positions.Length, Threads, i =>
                _writer.Write(positions[i], keys[i], MemoryMarshal.Cast<byte, float>(input.bytes).Slice(i * _data.SampleSize, _data.SampleSize)));
        }
        catch
        {
            input.Dispose();
            throw;
        }

        var labels = Array.ConvertAll(positions, position => (long)_data.Label(position));
        return new Batch
        {
            Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = input },
            Targets = tensor(labels).DetachFromDisposeScope(),
            SampleIds = Array.ConvertAll(positions, position => (long)_data.SampleId(position)),
            AugmentationKeys = keys,
            Partner = partner,
            Mix = _options.Augment.Mixes ? Mixed(positions, keys) : null,
        };
    }

    private BatchMix Mixed(int[] positions, ulong[] keys)
    {
        var mixes = Array.ConvertAll(keys, _writer.MixOf);
        var others = positions.Select((position, i) => mixes[i]?.Position ?? position).ToArray();
        return new BatchMix(
            Array.ConvertAll(others, position => (long)_data.SampleId(position)),
            tensor(Array.ConvertAll(others, position => (long)_data.Label(position))).DetachFromDisposeScope(),
            tensor(Array.ConvertAll(mixes, mix => (float)(mix?.Share ?? 1))).DetachFromDisposeScope());
    }
}
