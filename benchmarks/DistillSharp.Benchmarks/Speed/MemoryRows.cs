using System.CommandLine;
using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using TorchSharp;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>
/// Peak resident memory of a process that trains by our trainer over that of one that trains by the bare loop. Both are this program,
/// started anew: in one process the first would leave its memory to the second.
/// </summary>
internal static class MemoryRows
{
    private const double Target = 1.15;
    private const int Repetitions = 2;

    private static readonly IReadOnlyDictionary<string, Func<TeacherEngine, Workload>> Workloads = new Dictionary<string, Func<TeacherEngine, Workload>>
    {
        ["mlp"] = engine => Workload.Mlp(150, taught: true, new WorkloadOptions(Engine: engine)),
        ["resnet"] = engine => Workload.ResNet(4, taught: true, new WorkloadOptions(Engine: engine)),
    };

    public static IReadOnlyDictionary<string, Func<string, (SpeedRow Row, string Detail)>> All { get; } =
        Workloads.Keys.ToDictionary(workload => $"memory-run-{workload}", workload => (Func<string, (SpeedRow, string)>)(name => Measure(name, workload)));

    /// <summary><c>peak-memory</c>: trains once and prints the megabytes.</summary>
    public static Command CreateChild()
    {
        var workload = new Argument<string>("workload");
        var loop = new Argument<string>("loop");
        var threads = new Argument<int>("threads");
        var command = new Command("peak-memory", "What the rows memory-run-* start: one loop in a process of its own") { workload, loop, threads };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            var ours = parsed.GetValue(loop) != "bare";
            if (ours)
            {
                TorchRuntime.Configure(parsed.GetValue(threads));
            }
            else
            {
                torch.set_num_threads(parsed.GetValue(threads));
            }

            using var trained = Workloads[parsed.GetValue(workload)!](parsed.GetValue(loop) == "ours" ? TeacherEngine.Auto : TeacherEngine.Torch);
            Action<TimedSource> train = ours ? trained.TrainOurs : trained.TrainBare;
            ProcessMemory.ResetPeak();
            train(trained.Source(1));
            Console.WriteLine(ProcessMemory.PeakMegabytes().ToString("R", CultureInfo.InvariantCulture));
        });
        return command;
    }

    private static (SpeedRow Row, string Detail) Measure(string name, string workload)
    {
        var (ours, bare) = (new List<double>(), new List<double>());
        for (var i = 0; i < Repetitions; i++)
        {
            ours.Add(Megabytes(workload, "ours"));
            bare.Add(Megabytes(workload, "bare"));
        }

        var row = RatioStatistics.Row(name, [.. ours.Zip(bare, (a, b) => a / b)], Target);
        return (row, SpeedRows.Invariant($"{RatioStatistics.Median(ours):0} MB against {RatioStatistics.Median(bare):0} MB at the peak, {Repetitions} pairs of processes"));
    }

    private static double Megabytes(string workload, string loop)
    {
        using var child = OwnProcess.Start("peak-memory", workload, loop, torch.get_num_threads().ToString(CultureInfo.InvariantCulture));
        var text = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0 && double.TryParse(text.Trim(), CultureInfo.InvariantCulture, out var megabytes)
            ? megabytes
            : throw new InvalidOperationException($"{workload} by {loop} ended with {child.ExitCode}: {text}");
    }
}
