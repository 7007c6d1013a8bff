using DistillSharp.Benchmarks.Speed;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Teachers;
using TorchSharp;

namespace DistillSharp.Benchmarks.Growth;

/// <summary>One size of one series: how to run a block of it and what a block's seconds are divided by.</summary>
/// <param name="Size">What grows.</param>
/// <param name="Create">Makes what a block needs, and gives the block: it returns seconds of one unit.</param>
internal sealed record GrowthCase(double Size, Func<GrowthBlock> Create);

/// <summary>A block that can be run again and again.</summary>
internal sealed class GrowthBlock(Func<double> seconds, IDisposable? owned = null) : IDisposable
{
    public double Run() => seconds();

    public void Dispose() => owned?.Dispose();
}

/// <summary>A cost as a function of one size.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="What">What is measured, and what grows.</param>
/// <param name="Variable">Symbol of the size in the law.</param>
/// <param name="Cases">Sizes, from small to large.</param>
internal sealed record GrowthSeries(string Name, string What, string Variable, IReadOnlyList<GrowthCase> Cases);

/// <summary>What is measured for growth.</summary>
internal static class GrowthCases
{
    private const int WarmUp = 2;
    private const int Steps = 6;

    public static IReadOnlyList<GrowthSeries> All { get; } =
    [
        new("batch", "a distillation step of an MLP 784-400-10 from a live 784-800-10, soft targets, over the samples of a batch", "N",
            [.. new[] { 16, 32, 64, 128, 256, 512 }.Select(batch => Step(batch, batch, 10, 400, 800))]),
        new("classes", "the same step at batch 128 over the number of classes", "C",
            [.. new[] { 10, 30, 100, 300, 1000, 3000, 10_000 }.Select(classes => Step(classes, 128, classes, 400, 800))]),
        new("teacher", "the same step with 10 classes over the teacher's multiply-adds as multiples of the student's", "r",
            [.. new[] { 1, 2, 4, 8, 16 }.Select(ratio => Step(ratio, 128, 10, 400, Width(ratio)))]),
        new("samples", "setting up an epoch (order of all samples) and reading its first batch of 128 from a data set in memory, over its samples", "n",
            [.. new[] { 1_000, 10_000, 100_000, 1_000_000 }.Select(Epoch)]),
        new("samples-batch", "making one batch of 128 samples in the middle of a shuffled epoch, over the samples of the data set", "n",
            [.. new[] { 1_000, 10_000, 100_000, 1_000_000 }.Select(Middle)]),
    ];

    // One hidden layer: the multiply-adds are (784 + 10)·width.
    private static int Width(int ratio) => 400 * ratio;

    private static GrowthCase Step(double size, int batch, int classes, int student, int teacher) => new(size, () =>
    {
        var info = new DatasetInfo("synthetic", [1, 28, 28], [.. Enumerable.Range(0, classes).Select(i => $"class {i}")]);
        var workload = new Workload(
            info, batch, Steps + WarmUp,
            data => new Mlp(new MlpOptions { Widths = [student] }, data),
            data => new Mlp(new MlpOptions { Widths = [teacher] }, data),
            new WorkloadOptions(Engine: TeacherEngine.Torch));
        var source = workload.Source(WarmUp);
        return new GrowthBlock(() => SpeedRows.Timed(workload.TrainOurs, source), workload);
    });

    private static GrowthCase Epoch(int samples) => new(samples, () =>
    {
        var loader = Loader(samples);
        var epoch = 0;
        return new GrowthBlock(() => Seconds(() =>
        {
            using var first = loader.Epoch(++epoch).First();
        }));
    });

    private static GrowthCase Middle(int samples) => new(samples, () =>
    {
        var loader = Loader(samples);
        var epoch = 0;
        return new GrowthBlock(() =>
        {
            const int Batches = 4;
            using var batches = loader.Epoch(++epoch).GetEnumerator();
            batches.MoveNext();
            batches.Current.Dispose();
            return Seconds(() =>
            {
                for (var i = 0; i < Batches; i++)
                {
                    batches.MoveNext();
                    batches.Current.Dispose();
                }
            }) / Batches;
        });
    });

    // Few values a sample: a million of them must fit beside everything else.
    private static Loader Loader(int samples)
    {
        var info = new DatasetInfo("synthetic", [1, 16, 16], [.. Enumerable.Range(0, 10).Select(i => $"class {i}")]);
        var data = SyntheticData.Bytes(info, samples);
        return new Loader(data, new LoaderOptions { BatchSize = 128, Shuffle = true, Normalise = new Normalisation([0.5f], [0.25f]), Prefetch = 0 });
    }

    private static double Seconds(Action action)
    {
        using var scope = torch.NewDisposeScope();
        var started = SpeedClock.Now;
        action();
        return SpeedClock.Now - started;
    }
}
