using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Teachers;
using DistillSharp.Training;
using TorchSharp;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>One comparison of our step with the bare loop's.</summary>
/// <param name="Create">Makes the workload of so many steps, with a folder for what it stores.</param>
/// <param name="Blocks">Blocks of steps on either side.</param>
/// <param name="Steps">Steps of a block that are timed.</param>
/// <param name="WarmUp">Steps of a block before them.</param>
/// <param name="Target">Largest ratio.</param>
internal sealed record StepRow(Func<int, string, Workload> Create, int Blocks, int Steps, int WarmUp, double Target = StepRow.SameSpeed)
{
    /// <summary>What passes as no slower.</summary>
    public const double SameSpeed = 1.03;
}

/// <summary>
/// Times of a step by our trainer over those by the bare loop. Either side has a process of its own: how a process keeps its memory
/// (<see cref="TorchRuntime.Configure"/>) is part of what is compared, and is set for a whole process.
/// </summary>
internal static class StepRows
{
    private const double AFifthFaster = 1 / 1.2;
    private const double AgainstLive = 1 / 2.5;

    private static readonly IReadOnlyDictionary<string, StepRow> Rows = new Dictionary<string, StepRow>
    {
        ["mlp-plain"] = new((steps, _) => Workload.Mlp(steps, taught: false), Blocks: 20, Steps: 40, WarmUp: 3),
        ["mlp-soft-target"] = new((steps, _) => Workload.Mlp(steps, taught: true), Blocks: 20, Steps: 25, WarmUp: 3),
        ["resnet8x4-plain"] = new((steps, _) => Workload.ResNet(steps, taught: false), Blocks: 9, Steps: 4, WarmUp: 1),
        ["resnet8x4-soft-target"] = new((steps, _) => Workload.ResNet(steps, taught: true), Blocks: 7, Steps: 2, WarmUp: 1),
        ["resnet-engine-auto"] = new((steps, _) => Workload.ResNet(steps, taught: true, new WorkloadOptions(Engine: TeacherEngine.Auto)), Blocks: 9, Steps: 2, WarmUp: 1, AFifthFaster),
        ["mlp-adamw"] = new((steps, _) => Workload.Mlp(steps, taught: true, new WorkloadOptions(OptimizerKind.Adamw, TeacherEngine.Auto)), Blocks: 15, Steps: 25, WarmUp: 3, AFifthFaster),
        ["store-against-live"] = new((steps, folder) => Workload.ResNet(steps, taught: true, new WorkloadOptions(Store: folder)), Blocks: 9, Steps: 2, WarmUp: 1, AgainstLive),
    };

    /// <summary>Blocks of both sides in turn; the one that goes first alternates, against drift.</summary>
    public static (SpeedRow Row, string Detail) Measure(string name)
    {
        var row = Rows[name];
        CheckSameArithmetic(name, row);
        using var ours = new LoopProcess(name, "ours");
        using var bare = new LoopProcess(name, "bare");
        var (own, other) = (new List<double>(), new List<double>());
        for (var block = 0; block < row.Blocks; block++)
        {
            if (block % 2 == 0)
            {
                own.Add(ours.SecondsPerStep());
                other.Add(bare.SecondsPerStep());
            }
            else
            {
                other.Add(bare.SecondsPerStep());
                own.Add(ours.SecondsPerStep());
            }
        }

        var result = RatioStatistics.Row(name, [.. own.Zip(other, (a, b) => a / b)], row.Target);
        return (result, SpeedRows.Invariant($"{RatioStatistics.Median(own) * 1e3:0.00} ms a step against {RatioStatistics.Median(other) * 1e3:0.00} ms, {row.Blocks} pairs of blocks{ours.Engine}"));
    }

    /// <summary><c>step-loop</c>: a block of steps for every line that is read; prints the seconds a step.</summary>
    public static Command CreateChild()
    {
        var name = new Argument<string>("row");
        var loop = new Argument<string>("loop");
        var threads = new Argument<int>("threads");
        var cpu = new Option<bool>("--cpu-time");
        var command = new Command("step-loop", "What the rows of step times start: one loop in a process of its own") { name, loop, threads, cpu };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            SpeedClock.CountsCpuTime = parsed.GetValue(cpu);
            var (row, ours) = (Rows[parsed.GetValue(name)!], parsed.GetValue(loop) == "ours");
            if (ours)
            {
                TorchRuntime.Configure(parsed.GetValue(threads));
            }
            else
            {
                torch.set_num_threads(parsed.GetValue(threads));
            }

            using var folder = new TemporaryFolder();
            using var workload = row.Create(row.Steps + row.WarmUp, folder.Path);
            var source = workload.Source(row.WarmUp);
            Action<TimedSource> train = ours ? workload.TrainOurs : workload.TrainBare;
            train(source);
            Console.WriteLine(workload.Choice is { } choice ? $", teacher by {choice.Engine}" : "");
            while (Console.ReadLine() is not null)
            {
                Console.WriteLine(SpeedRows.Timed(train, source).ToString("R", CultureInfo.InvariantCulture));
            }
        });
        return command;
    }

    private static void CheckSameArithmetic(string name, StepRow row)
    {
        using var folder = new TemporaryFolder();
        using var workload = row.Create(row.Steps + row.WarmUp, folder.Path);
        var source = workload.Source(row.WarmUp);
        workload.TrainOurs(source);
        workload.TrainBare(source);
        var difference = workload.LargestDifference();
        if (!(difference < 1e-3))
        {
            throw new InvalidOperationException($"{name}: after one block the two students differ by {difference}; the loops do not do the same arithmetic");
        }
    }

    private sealed class LoopProcess : IDisposable
    {
        private readonly Process _process;

        public LoopProcess(string row, string loop)
        {
            string[] arguments = ["step-loop", row, loop, torch.get_num_threads().ToString(CultureInfo.InvariantCulture)];
            _process = OwnProcess.Start(SpeedClock.CountsCpuTime ? [.. arguments, "--cpu-time"] : arguments);
            // It measures engines before it is ready, which must have the machine to themselves.
            Engine = ReadLine();
        }

        /// <summary>What is to be said of the engine that was chosen.</summary>
        public string Engine { get; }

        public double SecondsPerStep()
        {
            _process.StandardInput.WriteLine();
            return double.Parse(ReadLine(), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }

        private string ReadLine() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("a loop's process ended early; what it printed is above");
    }
}
