using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>What a store's teacher saw beside its own weights, and where new rows come from.</summary>
/// <param name="Options">The recipe's keys; the path is complete.</param>
/// <param name="Features">Features that are stored, beside the logits.</param>
/// <param name="Data">What the samples are, by field: dataset, hash, normalisation, augmentation.</param>
/// <param name="Samples">The samples in their fixed views.</param>
public sealed record StoreSource(StoreOptions Options, IReadOnlyList<string> Features, IReadOnlyDictionary<string, string> Data, Loader Samples)
{
    /// <summary>Where the teacher wants its batches.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Told how far filling has come.</summary>
    public IProgress<StoreProgress>? Progress { get; init; }

    /// <summary>Stops filling; what was computed is stored.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>
/// A teacher whose outputs are kept in a <see cref="TeacherStore"/>: what is not there yet is asked of the teacher behind it, a whole
/// view at a time, and stored. Without a teacher behind it the store alone teaches.
/// </summary>
/// <param name="inner">The teacher, disposed with this one; null where the store is all there is.</param>
/// <param name="source">Where the store is and what it is of.</param>
public sealed class StoreTeacher(Teacher? inner, StoreSource source) : Teacher
{
    private const int SpotChecks = 8;

    private readonly string _path = source.Options.Path;

    /// <inheritdoc/>
    public override Network? Network => inner?.Network;

    /// <inheritdoc/>
    public override IReadOnlyList<int>? CoveredClasses => inner is null ? StoreManifest.Load(_path).CoveredClasses : inner.CoveredClasses;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Features(Batch sample) => inner?.Features(sample) ?? [.. StoreManifest.Load(_path).Features.Keys];

    /// <inheritdoc/>
    public override string Fingerprint() => inner?.Fingerprint() ?? StoreManifest.Load(_path).Key[StoreManifest.TeacherField];

    /// <summary>What the teacher itself says, and how its outputs are kept where they come back as others.</summary>
    public override IReadOnlyDictionary<string, string> Describe()
    {
        var fields = new OrderedDictionary<string, string>(inner?.Describe() ?? new Dictionary<string, string>());
        if (Rounding() is { } rounding)
        {
            fields["stored"] = rounding;
        }

        return fields;
    }

    /// <summary>Opens the store, makes it where there is none, and compares a few rows with the teacher.</summary>
    /// <param name="features">Features that are wanted.</param>
    /// <exception cref="InvalidDataException">The store is of another teacher or other data, or is damaged; the message names what differs.</exception>
    /// <exception cref="ArgumentException">A feature is not stored.</exception>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        string[] wanted = [.. features.Distinct()];
        if (inner is not null && wanted.FirstOrDefault(name => !source.Features.Contains(name)) is { } unknown)
        {
            throw new ArgumentException($"the store is not to hold the feature `{unknown}`; {NearestName.Hint(unknown, source.Features)}: name it in the store's features");
        }

        var store = OpenStore(wanted);
        try
        {
            if (wanted.FirstOrDefault(name => !store.Manifest.Features.ContainsKey(name)) is { } missing)
            {
                throw new ArgumentException($"{_path} holds no feature `{missing}`; {NearestName.Hint(missing, store.Manifest.Features.Keys)}");
            }

            SpotCheck(store);
            return new Source(inner, store, source, wanted);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Fills views of the samples from position <paramref name="first"/> to before <paramref name="end"/>.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; what was computed is stored.</exception>
    public void Fill(IEnumerable<int> views, int first, int end)
    {
        using var store = OpenStore([]);
        SpotCheck(store);
        using var teacher = inner!.Open(store.Manifest.Features.Keys);
        var filler = new StoreFiller(store, source.Samples, teacher, source.Options.BatchSize, source.Device);
        foreach (var view in views)
        {
            filler.Fill(view, first, end, source.Progress, source.Cancellation);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        inner?.Dispose();
        base.Dispose(disposing);
    }

    // How what is read differs from what the teacher gave; null where it does not.
    private string? Rounding()
    {
        var (precision, topK, samples, temperature) = (ConfigBinder.SnakeCase(source.Options.Precision.ToString()), source.Options.TopK, source.Options.Samples, source.Options.Temperature);
        if (inner is null)
        {
            var manifest = StoreManifest.Load(_path);
            (precision, topK, samples, temperature) = (manifest.Precision, manifest.TopK, manifest.Samples, manifest.Temperature);
        }

        var sparse = topK is not null ? $", top_k {topK}" : samples is not null ? $", samples {samples}" : "";
        return sparse.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $"{precision}{sparse}, temperature {temperature:R}")
            : precision == ConfigBinder.SnakeCase(nameof(StorePrecision.Float32)) ? null
            : precision;
    }

    private TeacherStore OpenStore(IReadOnlyList<string> features)
    {
        if (inner is null)
        {
            var found = StoreManifest.Load(_path);
            found.ThrowIfDifferent(_path, found with { Key = new Dictionary<string, string>(source.Data), Features = features.Where(found.Features.ContainsKey).ToDictionary(name => name, name => found.Features[name]) }, withTeacher: false);
            return TeacherStore.Open(_path);
        }

        var manifest = Wanted();
        if (File.Exists(Path.Combine(_path, StoreManifest.FileName)))
        {
            StoreManifest.Load(_path).ThrowIfDifferent(_path, manifest, withTeacher: true);
        }

        var store = TeacherStore.OpenOrCreate(_path, manifest);
        try
        {
            // Another process may have made it meanwhile.
            store.Manifest.ThrowIfDifferent(_path, manifest, withTeacher: true);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private StoreManifest Wanted()
    {
        using var scope = NewDisposeScope();
        using var batch = source.Samples.Samples([0], 0);
        using var teacher = inner!.Open(source.Features);
        var shapes = teacher.Probe(source.Device.type == DeviceType.CPU ? batch : batch.To(source.Device));
        return new StoreManifest
        {
            Key = StoreManifest.KeyOf(inner, source.Data),
            Precision = ConfigBinder.SnakeCase(source.Options.Precision.ToString()),
            TopK = source.Options.TopK,
            Samples = source.Options.Samples,
            Temperature = source.Options.Temperature,
            Views = source.Options.Views ?? 1,
            Logits = Row(shapes.Logits),
            CoveredClasses = inner.CoveredClasses?.ToArray(),
            Features = source.Features.ToDictionary(name => name, name => Row(shapes.Features[name])),
        };

        static int[] Row(IReadOnlyList<long> shape) => [.. shape.Skip(1).Select(axis => checked((int)axis))];
    }

    // Weights and settings have been compared by hash; this finds what hashes cannot, such as another engine's arithmetic.
    private void SpotCheck(TeacherStore store)
    {
        if (inner is null || store.RowCount == 0)
        {
            return;
        }

        var positions = Enumerable.Range(0, source.Samples.SampleCount).ToDictionary(source.Samples.SampleId);
        var random = new StableRandom(unchecked((ulong)Environment.TickCount64));
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        ISignalSource? teacher = null;
        try
        {
            for (var check = 0; check < SpotChecks; check++)
            {
                var (id, view) = store.KeyAt(random.Below(store.RowCount));
                if (!positions.TryGetValue(id, out var position))
                {
                    continue;
                }

                teacher ??= inner.Open(store.Manifest.Features.Keys);
                CheckRow(store, teacher, position, id, view);
            }
        }
        finally
        {
            teacher?.Dispose();
        }
    }

    private void CheckRow(TeacherStore store, ISignalSource teacher, int position, long id, int view)
    {
        string[] features = [.. store.Manifest.Features.Keys];
        using var batch = source.Samples.Samples([position], view);
        var computed = teacher.Read(source.Device.type == DeviceType.CPU ? batch : batch.To(source.Device));
        if (store.Layout.Difference(store.Read([id], view, features), store.Layout.AsStored(computed, [id], view, features)) is { } output)
        {
            throw new InvalidDataException($"the store {_path} does not fit: the {output} of sample {id} in view {view} are not what the teacher gives now, though every field of the manifest is the same. Give another path");
        }
    }

    private sealed class Source(Teacher? inner, TeacherStore store, StoreSource source, string[] features) : ISignalSource
    {
        private readonly HashSet<int> _filled = [];

        public ModelSignals Read(Batch batch)
        {
            var view = FixedViews.ViewOf(batch, store.Manifest.Views);
            if (view < 0)
            {
                throw new InvalidDataException($"{store.Path} holds {store.Manifest.Views} fixed views a sample, and the batch with sample {batch.SampleIds[0]} shows none of them");
            }

            if (inner is not null && _filled.Add(view))
            {
                Fill(view);
            }

            var stored = store.Read(batch.SampleIds, view, features);
            var device = batch.Input.device;
            return device.type == DeviceType.CPU ? stored : new ModelSignals(Move(stored.Logits), stored.Features.ToDictionary(entry => entry.Key, entry => Move(entry.Value)));

            Signal Move(Signal signal) => new(signal.Value.to(device));
        }

        public void Dispose() => store.Dispose();

        private void Fill(int view)
        {
            var count = source.Samples.SampleCount;
            if (Enumerable.Range(0, count).All(position => store.Contains(source.Samples.SampleId(position), view)))
            {
                return;
            }

            using var teacher = inner!.Open(store.Manifest.Features.Keys);
            new StoreFiller(store, source.Samples, teacher, source.Options.BatchSize, source.Device).Fill(view, 0, count, source.Progress, source.Cancellation);
        }
    }
}
