using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistillSharp.Benchmarks.Speed;
using DistillSharp.Data;
using DistillSharp.RunLog;

namespace DistillSharp.Benchmarks;

/// <summary><c>speed</c>: prints the table of ratios and writes it as JSON.</summary>
internal static class SpeedCommand
{
    private const string Invocation = "dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- speed";

    public static Command Create()
    {
        var only = new Option<string?>("--only") { Description = "Measure one row: " + string.Join(", ", SpeedRows.All.Keys) };
        var json = new Option<string?>("--json") { Description = "Write the rows to this file" };
        var threads = new Option<int>("--threads") { Description = "Threads of one operation", DefaultValueFactory = _ => Environment.ProcessorCount };
        var cpu = new Option<bool>("--cpu-time") { Description = "Count CPU seconds of the process instead of the wall clock's, for a look on a busy machine; with --threads 1" };
        var command = new Command("speed", "Time a training step of DistillSharp against a bare TorchSharp loop doing the same arithmetic") { only, json, threads, cpu };
        command.SetAction(parsed =>
        {
            SpeedClock.CountsCpuTime = parsed.GetValue(cpu);
            return Run(parsed.GetValue(only), parsed.GetValue(json), parsed.GetValue(threads));
        });
        return command;
    }

    private static int Run(string? only, string? json, int threads)
    {
        if (only is not null && !SpeedRows.All.ContainsKey(only))
        {
            Console.Error.WriteLine($"no row `{only}`; there are {string.Join(", ", SpeedRows.All.Keys)}");
            return 2;
        }

        if (threads < 1)
        {
            Console.Error.WriteLine($"--threads {threads}: must be 1 or more");
            return 2;
        }

        TorchRuntime.Configure(threads);
        var started = DateTimeOffset.UtcNow;
        var watch = Stopwatch.StartNew();
        var rows = new List<SpeedRow>();
        Console.WriteLine($"{"row",-26} {"ratio",7} {"low",7} {"high",7}  {"target",-8} {"met",-4} detail");
        foreach (var (name, measure) in SpeedRows.All.Where(entry => only is null || entry.Key == only))
        {
            var (row, detail) = measure(name);
            rows.Add(row);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Name,-26} {row.Ratio,7:0.0000} {row.Low,7:0.0000} {row.High,7:0.0000}  {row.Target,-8} {(row.Met ? "yes" : "NO"),-4} {detail}"));
        }

        if (json is not null)
        {
            var environment = EnvironmentInfo.Capture(threads);
            var command = string.Create(CultureInfo.InvariantCulture, $"{Invocation}{(only is null ? "" : $" --only {only}")} --threads {threads}");
            RunJson.Save(json, new SpeedTable("speed", command, environment.Commit, environment.Machine, started, watch.Elapsed.TotalSeconds, rows));
        }

        return rows.All(row => row.Met) ? 0 : 1;
    }
}
