using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistillSharp.Benchmarks.Speed;
using DistillSharp.Benchmarks.Variants;
using DistillSharp.Data;
using DistillSharp.RunLog;
using TorchSharp;

namespace DistillSharp.Benchmarks;

/// <summary><c>variants</c>: other ways of doing what takes the time, measured in turns.</summary>
internal static class VariantsCommand
{
    private const int Rounds = 7;
    private const double LeastSeconds = 0.02;
    private const string Invocation = "dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- variants";

    public static Command Create()
    {
        var only = new Option<string?>("--only") { Description = "Measure one group: " + string.Join(", ", VariantRows.All.Keys) };
        var json = new Option<string?>("--json") { Description = "Write the groups to this file" };
        var threads = new Option<int>("--threads") { Description = "Threads of one operation", DefaultValueFactory = _ => Environment.ProcessorCount };
        var rounds = new Option<int>("--rounds") { Description = "Rounds over all ways of a group", DefaultValueFactory = _ => Rounds };
        var command = new Command("variants", "Time other ways of running teacher, student, dropout and losses over a vocabulary") { only, json, threads, rounds };
        command.SetAction(parsed => Run(parsed.GetValue(only), parsed.GetValue(json), parsed.GetValue(threads), parsed.GetValue(rounds)));
        return command;
    }

    private static int Run(string? only, string? json, int threads, int rounds)
    {
        if (only is not null && !VariantRows.All.ContainsKey(only))
        {
            Console.Error.WriteLine($"no group `{only}`; there are {string.Join(", ", VariantRows.All.Keys)}");
            return 2;
        }

        TorchRuntime.Configure(threads);
        var (started, watch) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        var groups = new List<VariantResult>();
        foreach (var create in VariantRows.All.Where(entry => only is null || entry.Key == only).Select(entry => entry.Value))
        {
            var result = Measure(create(threads), rounds);
            groups.Add(result);
            Console.WriteLine(result.What);
            foreach (var way in result.Ways)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {way.Name,-58} {way.Milliseconds,10:0.000} ms {way.Ratio,7:0.000} ({way.Low:0.000} to {way.High:0.000})"));
            }
        }

        if (json is not null)
        {
            var environment = EnvironmentInfo.Capture(threads);
            var command = string.Create(CultureInfo.InvariantCulture, $"{Invocation}{(only is null ? "" : $" --only {only}")} --threads {threads}");
            RunJson.Save(json, new VariantTable("variants", command, environment.Commit, environment.Machine, started, watch.Elapsed.TotalSeconds, groups));
        }

        return 0;
    }

    private static VariantResult Measure(VariantGroup group, int rounds)
    {
        using var noGradient = group.Name == "dropout" ? null : torch.no_grad();
        var seconds = group.Ways.Select(_ => new List<double>()).ToList();
        for (var round = 0; round <= rounds; round++)
        {
            for (var i = 0; i < group.Ways.Count; i++)
            {
                var once = Seconds(group.Ways[i].Run);
                if (round > 0)
                {
                    seconds[i].Add(once);
                }
            }
        }

        var ways = group.Ways.Select((way, i) =>
        {
            var row = RatioStatistics.Row(way.Name, [.. seconds[i].Zip(seconds[0], (own, first) => own / first)], double.PositiveInfinity);
            return new VariantRow(way.Name, RatioStatistics.Median(seconds[i]) * 1e3, row.Ratio, row.Low, row.High);
        }).ToList();
        foreach (var owned in group.Owned)
        {
            owned.Dispose();
        }

        return new VariantResult(group.Name, group.What, ways);
    }

    // Short passes are repeated until the clock can tell them apart.
    private static double Seconds(Action run)
    {
        var started = Stopwatch.GetTimestamp();
        var count = 0;
        do
        {
            using var scope = torch.NewDisposeScope();
            run();
            count++;
        }
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < LeastSeconds);
        return Stopwatch.GetElapsedTime(started).TotalSeconds / count;
    }
}
