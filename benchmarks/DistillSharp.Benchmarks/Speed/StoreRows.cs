using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>Rows about stored teacher outputs: what reading them costs, what filling costs, how large they are.</summary>
internal static class StoreRows
{
    private const double TrainingTarget = 1.05;
    private const double FillingTarget = 1 / 0.95;
    private const double SizeTarget = 1.10;
    private const int BatchSize = 64;

    public static IReadOnlyDictionary<string, Func<string, (SpeedRow Row, string Detail)>> All { get; } =
        new Dictionary<string, Func<string, (SpeedRow, string)>>
        {
            ["store-training"] = Training,
            ["store-against-live"] = StepRows.Measure,
            ["store-filling"] = Filling,
            ["store-size"] = Size,
        };

    /// <summary>Our step with soft targets from a store, over our step without a teacher.</summary>
    private static (SpeedRow Row, string Detail) Training(string name)
    {
        const int Blocks = 15;
        const int Steps = 4;
        const int WarmUp = 1;
        using var folder = new TemporaryFolder();
        using var without = Workload.ResNet(Steps + WarmUp, taught: false);
        using var with = Workload.ResNet(Steps + WarmUp, taught: true, new WorkloadOptions(Store: folder.Path));
        var (plain, stored) = (without.Source(WarmUp), with.Source(WarmUp));
        without.TrainOurs(plain);
        with.TrainOurs(stored);
        var (plainSeconds, storedSeconds) = (new List<double>(), new List<double>());
        for (var block = 0; block < Blocks; block++)
        {
            if (block % 2 == 0)
            {
                plainSeconds.Add(SpeedRows.Timed(without.TrainOurs, plain));
                storedSeconds.Add(SpeedRows.Timed(with.TrainOurs, stored));
            }
            else
            {
                storedSeconds.Add(SpeedRows.Timed(with.TrainOurs, stored));
                plainSeconds.Add(SpeedRows.Timed(without.TrainOurs, plain));
            }
        }

        var row = RatioStatistics.Row(name, [.. storedSeconds.Zip(plainSeconds, (a, b) => a / b)], TrainingTarget);
        return (row, SpeedRows.Invariant($"{RatioStatistics.Median(storedSeconds) * 1e3:0.00} ms a step against {RatioStatistics.Median(plainSeconds) * 1e3:0.00} ms without a teacher"));
    }

    /// <summary>Filling a store with a ResNet-32×4's logits, over the network's bare passes over batches that are made already.</summary>
    private static (SpeedRow Row, string Detail) Filling(string name)
    {
        const int Blocks = 7;
        const int Samples = 4 * BatchSize;
        var info = new DatasetInfo("synthetic", [3, 32, 32], [.. Enumerable.Range(0, 100).Select(i => $"class {i}")]);
        var loader = new Loader(SyntheticData.Bytes(info, Samples), new LoaderOptions { BatchSize = BatchSize, Prefetch = 0 });
        using var network = new CifarResNet(new CifarResNetOptions { Depth = 32, WidthMultiplier = 4 }, info);
        network.eval();
        using var teacher = new LiveTeacher(network).Open([]);
        var batches = loader.Epoch(0).ToList();
        var (filling, bare) = (new List<double>(), new List<double>());
        Passes(network, batches);
        Fill(loader, teacher);
        for (var block = 0; block < Blocks; block++)
        {
            if (block % 2 == 0)
            {
                filling.Add(Fill(loader, teacher));
                bare.Add(Passes(network, batches));
            }
            else
            {
                bare.Add(Passes(network, batches));
                filling.Add(Fill(loader, teacher));
            }
        }

        batches.ForEach(batch => batch.Dispose());
        var row = RatioStatistics.Row(name, [.. filling.Zip(bare, (a, b) => a / b)], FillingTarget);
        return (row, SpeedRows.Invariant($"{Samples / RatioStatistics.Median(filling):0.0} samples a second stored against {Samples / RatioStatistics.Median(bare):0.0} computed"));
    }

    private static double Fill(Loader loader, ISignalSource teacher)
    {
        using var folder = new TemporaryFolder();
        var started = SpeedClock.Now;
        using (var store = TeacherStore.OpenOrCreate(folder.Path, Manifest))
        {
            new StoreFiller(store, loader, teacher, BatchSize, CPU).Fill(0, 0, loader.SampleCount);
        }

        return SpeedClock.Now - started;
    }

    private static double Passes(SingleInputNetwork network, List<Batch> batches)
    {
        using var noGradient = no_grad();
        var started = SpeedClock.Now;
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            network.forward(batch.Input);
        }

        return SpeedClock.Now - started;
    }

    /// <summary>All bytes of a store of 100 logits in float16, over the bytes of the numbers.</summary>
    private static (SpeedRow Row, string Detail) Size(string name)
    {
        const int Samples = 20_000;
        var info = new DatasetInfo("synthetic", [100], [.. Enumerable.Range(0, 100).Select(i => $"class {i}")]);
        var loader = new Loader(SyntheticData.Floats(info, Samples), new LoaderOptions { Prefetch = 0 });
        using var folder = new TemporaryFolder();
        using var inputs = new Inputs();
        using (var store = TeacherStore.OpenOrCreate(folder.Path, Manifest))
        {
            new StoreFiller(store, loader, inputs, 128, CPU).Fill(0, 0, Samples);
        }

        var bytes = Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);
        var ratio = bytes / (200.0 * Samples);
        return (RatioStatistics.Row(name, ratio, ratio, ratio, SizeTarget), SpeedRows.Invariant($"{bytes} bytes for {Samples} rows of 200"));
    }

    private static StoreManifest Manifest => new() { Key = new Dictionary<string, string> { [StoreManifest.TeacherField] = "benchmark" }, Precision = "float16", Logits = [100] };

    /// <summary>Gives back its input: size does not depend on what is stored.</summary>
    private sealed class Inputs : ISignalSource
    {
        public ModelSignals Read(Batch batch) => new(new Signal(batch.Input), new Dictionary<string, Signal>());

        public void Dispose()
        {
        }
    }
}
