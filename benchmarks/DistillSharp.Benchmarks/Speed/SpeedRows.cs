using System.Buffers.Text;
using TorchSharp;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>The rows of <c>speed</c>, in the order of the table.</summary>
internal static class SpeedRows
{
    private const int MemorySteps = 500;
    private const int MemoryWarmUp = 100;

    public static IReadOnlyDictionary<string, Func<string, (SpeedRow Row, string Detail)>> All { get; } =
        new Dictionary<string, Func<string, (SpeedRow, string)>>
        {
            // First: later it would start in a process that other rows have already grown, and growth would hide in what they left.
            ["memory-resident"] = Resident,
            ["mlp-plain"] = StepRows.Measure,
            ["mlp-soft-target"] = StepRows.Measure,
            ["resnet8x4-plain"] = StepRows.Measure,
            ["resnet8x4-soft-target"] = StepRows.Measure,
            ["loader"] = LoaderRows.Measure,
            ["loader-crop-flip"] = LoaderRows.Measure,
            ["loader-every-change"] = LoaderRows.Measure,
            ["loader-jpeg-64"] = LoaderRows.Measure,
            ["loader-jpeg-500"] = LoaderRows.Measure,
            ["memory-live-tensors"] = LiveTensors,
        }
        .Concat(EngineRows.All).Concat(OptimizerRows.All).Concat(MemoryRows.All).Concat(StoreRows.All)
        .ToDictionary();

    internal static double Timed(Action<TimedSource> train, TimedSource source)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        train(source);
        return source.SecondsPerStep;
    }

    /// <summary>Live tensors at the end over live tensors at step 1; the worst moment between is the upper end.</summary>
    private static (SpeedRow Row, string Detail) LiveTensors(string name)
    {
        var counts = Observe(() => torch.Tensor.TotalCount);
        double first = counts[1];
        var last = counts[^1] / first;
        var row = RatioStatistics.Row(name, last, counts.Skip(1).Min() / first, counts.Skip(1).Max() / first, 1.00);
        return (row, Invariant($"{counts[1]} after step 1, {counts[^1]} after step {MemorySteps}"));
    }

    /// <summary>Resident set at the end over that after step 100, each a median of ten steps; the interval is the range over the last hundred.</summary>
    private static (SpeedRow Row, string Detail) Resident(string name)
    {
        var sizes = Observe(ResidentBytes);
        var start = RatioStatistics.Median([.. sizes.Skip(MemoryWarmUp).Take(10).Select(size => (double)size)]);
        var end = RatioStatistics.Median([.. sizes.TakeLast(10).Select(size => (double)size)]);
        var late = sizes.TakeLast(100).Select(size => size / start).ToArray();
        var row = RatioStatistics.Row(name, end / start, late.Min(), late.Max(), 1.02);
        return (row, Invariant($"{start / 1e6:0.0} MB after step {MemoryWarmUp}, {end / 1e6:0.0} MB after step {MemorySteps}"));
    }

    /// <summary>A number at each of the requests for a batch while our trainer distils an MLP: index i is after i steps.</summary>
    private static List<long> Observe(Func<long> read)
    {
        using var workload = Workload.Mlp(MemorySteps, taught: true);
        var seen = new List<long>(MemorySteps + 1);
        // The trainer takes one batch as a probe before it starts; what that saw is dropped.
        var source = workload.Source(1, done =>
        {
            if (done == 0)
            {
                seen.Clear();
            }

            seen.Add(read());
        });
        workload.TrainOurs(source);
        return seen;
    }

    private static long ResidentBytes()
    {
        if (!OperatingSystem.IsLinux())
        {
            return Environment.WorkingSet;
        }

        // Read without allocating: what the observer leaves to the collector would count as the trainer's growth.
        Span<byte> text = stackalloc byte[256];
        using var file = File.OpenHandle("/proc/self/statm");
        text = text[..RandomAccess.Read(file, text, 0)];
        text = text[(text.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(text, out long pages, out _)
            ? pages * Environment.SystemPageSize
            : throw new InvalidDataException("/proc/self/statm does not give the resident pages");
    }

    internal static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
