using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DistillSharp.Benchmarks.Speed;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Benchmarks;

/// <summary><c>results</c> keeps a run's table under benchmarks/results; <c>render</c> makes docs/results.md and docs/performance.md of them.</summary>
internal static class ResultsCommands
{
    public static Command CreateResults()
    {
        var run = new Argument<string>("run") { Description = "A run directory; of one that is not finished, the table of what there is" };
        var name = new Option<string?>("--name") { Description = "Name of the file, without extension (default: the run's own)" };
        var command = new Command("results", "Keep a run's results as benchmarks/results/NAME.json") { run, name };
        command.SetAction(parsed => Guard(() =>
        {
            var directory = new RunDirectory(parsed.GetValue(run)!);
            if (!File.Exists(directory.ResultsFile))
            {
                throw new FileNotFoundException($"{directory.Path} has no results.json: no job has finished (distill resume {parsed.GetValue(run)})");
            }

            var results = RunResults.Load(directory.ResultsFile);
            var kept = parsed.GetValue(name) is { } chosen ? results with { Name = chosen } : results;
            Console.WriteLine(BenchmarkResults.Save(ResultsFolder(), kept));
        }));
        return command;
    }

    public static Command CreateRender()
    {
        var command = new Command("render", "Write docs/results.md and docs/performance.md from the files of benchmarks/results");
        command.SetAction(_ => Guard(Render));
        return command;
    }

    public static void Render()
    {
        var page = new StringBuilder("# Measured results\n\nGenerated from the files of `benchmarks/results` by `dotnet run -c Release --project benchmarks/DistillSharp.Benchmarks -- render`.\n");
        foreach (var file in Directory.GetFiles(ResultsFolder(), "*.json").Where(file => !PerformancePage.OwnFiles.Contains(Path.GetFileName(file))).Order(StringComparer.Ordinal))
        {
            page.Append('\n').Append(Markdown(file));
        }

        var target = Path.Combine(Root(), "docs", "results.md");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.WriteAllText(target, page.ToString());
        Console.WriteLine(target);
        var performance = Path.Combine(Root(), "docs", "performance.md");
        File.WriteAllText(performance, PerformancePage.Write(ResultsFolder()));
        Console.WriteLine(performance);
    }

    private static string Markdown(string file)
    {
        if (IsSpeed(file))
        {
            return SpeedMarkdown(RunJson.Load<SpeedTable>(file));
        }

        var results = RunResults.Load(file);
        return results.Arms.Any(arm => arm.Metrics.ContainsKey(MethodsCommand.TermFall)) ? MethodsCommand.ToMarkdown(results) : BenchmarkResults.ToMarkdown(results, Catalogs.Default().Metrics);
    }

    private static bool IsSpeed(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.TryGetProperty("rows", out _);
    }

    private static string SpeedMarkdown(SpeedTable table)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"## {table.Name}\n\n| row | ratio | 95 % interval | target | met |\n|---|---|---|---|---|\n");
        foreach (var row in table.Rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.Ratio:0.000} | {row.Low:0.000} to {row.High:0.000} | {row.Target} | {(row.Met ? "yes" : "no")} |\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n`{table.Command}` · {table.Started.UtcDateTime:yyyy-MM-dd HH:mm} UTC, {table.Seconds:0} s · {table.Machine}");
        return text.Append(table.Commit is null ? "\n" : $" · commit {table.Commit}\n").ToString();
    }

    public static string ResultsFolder() => Path.Combine(Root(), "benchmarks", "results");

    public static string Root()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DistillSharp.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"{Environment.CurrentDirectory} is not inside a clone of the repository (no DistillSharp.slnx above it)");
    }

    public static int Guard(Action action)
    {
        try
        {
            action();
            return 0;
        }
        catch (Exception error) when (error is ConfigException or IOException or InvalidDataException or ArgumentException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }
}
