using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistillSharp.Benchmarks.Growth;
using DistillSharp.Benchmarks.Speed;
using DistillSharp.Data;
using DistillSharp.RunLog;

namespace DistillSharp.Benchmarks;

/// <summary><c>growth</c>: how cost grows with batch, classes, the teacher's size and the data set's.</summary>
internal static class GrowthCommand
{
    private const int Rounds = 5;
    private const string Invocation = "dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- growth";

    public static Command Create()
    {
        var only = new Option<string?>("--only") { Description = "Measure one series: " + string.Join(", ", GrowthCases.All.Select(series => series.Name)) };
        var json = new Option<string?>("--json") { Description = "Write the series to this file" };
        var threads = new Option<int>("--threads") { Description = "Threads of one operation", DefaultValueFactory = _ => Environment.ProcessorCount };
        var cpu = new Option<bool>("--cpu-time") { Description = "Count CPU seconds of the process instead of the wall clock's" };
        var command = new Command("growth", "Measure how cost grows with a size, and fit a law") { only, json, threads, cpu };
        command.SetAction(parsed =>
        {
            SpeedClock.CountsCpuTime = parsed.GetValue(cpu);
            return Run(parsed.GetValue(only), parsed.GetValue(json), parsed.GetValue(threads));
        });
        return command;
    }

    private static int Run(string? only, string? json, int threads)
    {
        var series = GrowthCases.All.Where(each => only is null || each.Name == only).ToList();
        if (series.Count == 0)
        {
            Console.Error.WriteLine($"no series `{only}`; there are {string.Join(", ", GrowthCases.All.Select(each => each.Name))}");
            return 2;
        }

        TorchRuntime.Configure(threads);
        var (started, watch) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        var rows = new List<GrowthRow>();
        foreach (var each in series)
        {
            var row = Measure(each);
            rows.Add(row);
            Console.WriteLine($"{row.Name}: {row.Fit.Text(row.Variable)}");
            foreach (var point in row.Points)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {point.Size,9} {point.Seconds * 1e3,10:0.000} ms"));
            }
        }

        if (json is not null)
        {
            var environment = EnvironmentInfo.Capture(threads);
            var command = string.Create(CultureInfo.InvariantCulture, $"{Invocation}{(only is null ? "" : $" --only {only}")} --threads {threads}");
            RunJson.Save(json, new GrowthTable("growth", command, environment.Commit, environment.Machine, started, watch.Elapsed.TotalSeconds, rows));
        }

        return 0;
    }

    // Round by round over all sizes, so that a slow minute of the machine does not look like growth.
    private static GrowthRow Measure(GrowthSeries series)
    {
        var blocks = series.Cases.Select(each => (each.Size, Block: each.Create(), Seconds: new List<double>())).ToList();
        try
        {
            for (var round = 0; round <= Rounds; round++)
            {
                foreach (var (_, block, seconds) in blocks)
                {
                    var measured = block.Run();
                    if (round > 0)
                    {
                        seconds.Add(measured);
                    }
                }
            }
        }
        finally
        {
            blocks.ForEach(each => each.Block.Dispose());
        }

        var points = blocks.Select(each => new GrowthPoint(each.Size, RatioStatistics.Median(each.Seconds), each.Seconds.Min(), each.Seconds.Max())).ToList();
        return new GrowthRow(series.Name, series.What, series.Variable, points, GrowthFit.Of([.. points.Select(point => (point.Size, point.Seconds))]));
    }
}
