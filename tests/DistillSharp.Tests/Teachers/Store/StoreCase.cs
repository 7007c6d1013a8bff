using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Tests.Training;

namespace DistillSharp.Tests.Teachers.Store;

/// <summary>A small teacher, samples in views, and a folder for its store.</summary>
internal sealed class StoreCase : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StoreCase(int count = 700, int views = 1)
    {
        Data = TrainingCase.Samples(count, [1, 4, 4]);
        Network = new TrainingCase().Cnn([3, 4]);
        Loader = View(views);
        Options = new StoreOptions { Path = Path.Combine(_folder.Path, "store"), Precision = StorePrecision.Float32, Views = views > 1 ? views : null, BatchSize = 64 };
    }

    public Dataset Data { get; }

    public SmallCnn Network { get; }

    public Loader Loader { get; }

    public StoreOptions Options { get; set; }

    public Dictionary<string, string> Fields { get; } = new() { ["dataset"] = "samples", ["augmentation"] = "shift 1" };

    public string[] Features { get; set; } = [];

    public IReadOnlyList<string> Shards => [.. Directory.GetFiles(Path.Combine(Options.Path, "shards"), "*.shard").Order(StringComparer.Ordinal)];

    /// <summary>Batches of the samples in views that are the same for every seed.</summary>
    public Loader View(int views, long seed = 1, int batchSize = 50) => new(Data, new LoaderOptions
    {
        BatchSize = batchSize,
        Shuffle = true,
        Seed = seed,
        Views = views,
        Prefetch = 0,
        Augment = views > 1 ? new AugmentOptions { Shift = 1, Flip = 0.5 } : new AugmentOptions(),
    });

    public StoreTeacher Teacher(Teacher? inner) => new(inner, new StoreSource(Options, Features, Fields, Loader) { Cancellation = TestContext.Current.CancellationToken });

    public StoreTeacher Teacher() => Teacher(new LiveTeacher(Network));

    /// <summary>Fills all views and returns the open store.</summary>
    public TeacherStore Filled()
    {
        using var teacher = Teacher();
        teacher.Fill(Enumerable.Range(0, Options.Views ?? 1), 0, Data.Count);
        return TeacherStore.Open(Options.Path);
    }

    public void Dispose()
    {
        Network.Dispose();
        _folder.Dispose();
    }
}

/// <summary>A teacher that counts what it is asked.</summary>
internal sealed class CountingTeacher(Teacher inner) : Teacher
{
    public int Samples { get; private set; }

    public Action? OnRead { get; init; }

    public override ISignalSource Open(IEnumerable<string> features) => new Source(this, inner.Open(features));

    public override string Fingerprint() => inner.Fingerprint();

    private sealed class Source(CountingTeacher owner, ISignalSource inner) : ISignalSource
    {
        public ModelSignals Read(Batch batch)
        {
            owner.Samples += batch.Count;
            owner.OnRead?.Invoke();
            return inner.Read(batch);
        }

        public SignalShapes Probe(Batch batch) => inner.Probe(batch);

        public void Dispose() => inner.Dispose();
    }
}
