using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using DistillSharp.Recipes;
using DistillSharp.Runs;

namespace DistillSharp.Benchmarks;

/// <summary><c>table</c>: one command for a table. Runs a recipe, or goes on with it, and keeps its rows under benchmarks/results as jobs finish.</summary>
internal static class TableCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe of the table" };
        var run = new Option<string?>("--run") { Description = "Run directory; where it holds a run, that goes on (default: runs/ and the recipe's name)" };
        var jobs = new Option<int?>("--jobs") { Description = "Jobs side by side" };
        var threads = new Option<int?>("--threads") { Description = "Threads of a job" };
        var command = new Command("table", "Run a recipe, or go on with it, keep its table as benchmarks/results/NAME.json after every job, and write docs/results.md at the end") { recipe, run, jobs, threads };
        command.SetAction(parsed =>
        {
            var code = 0;
            var failed = ResultsCommands.Guard(() =>
            {
                var path = parsed.GetValue(recipe)!;
                var name = RecipeReader.ReadFile(path).Recipe.Name;
                var directory = new RunDirectory(parsed.GetValue(run) ?? Path.Combine(ResultsCommands.Root(), "runs", name));
                string[] start = File.Exists(directory.EventsFile) ? ["resume", directory.Path] : ["run", path, "--output", directory.Path];
                code = Run([.. start, .. Given("--jobs", parsed.GetValue(jobs)), .. Given("--threads", parsed.GetValue(threads))], directory);
                if (File.Exists(directory.ResultsFile))
                {
                    ResultsCommands.Render();
                }
            });
            return failed != 0 ? failed : code;
        });
        return command;
    }

    private static int Run(IEnumerable<string> arguments, RunDirectory directory)
    {
        var start = new ProcessStartInfo("dotnet", ["run", "-c", "Release", "--project", Path.Combine(ResultsCommands.Root(), "src", "DistillSharp.Cli"), "--", .. arguments]);

        // The run hears Ctrl-C too, saves and ends; what it leaves is kept.
        using var interrupts = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("dotnet could not be started");
        var kept = DateTime.MinValue;
        while (!process.WaitForExit(Pause))
        {
            Keep(directory, ref kept);
        }

        Keep(directory, ref kept);
        return process.ExitCode;
    }

    private static void Keep(RunDirectory directory, ref DateTime kept)
    {
        if (File.Exists(directory.ResultsFile) && File.GetLastWriteTimeUtc(directory.ResultsFile) is var written && written != kept)
        {
            BenchmarkResults.Save(ResultsCommands.ResultsFolder(), RunResults.Load(directory.ResultsFile));
            kept = written;
        }
    }

    private static string[] Given(string option, int? value) => value is { } number ? [option, number.ToString(System.Globalization.CultureInfo.InvariantCulture)] : [];
}
