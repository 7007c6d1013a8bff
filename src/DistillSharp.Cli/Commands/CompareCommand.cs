using System.CommandLine;
using System.Text.Json;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using Spectre.Console;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill compare</c>: one run's table again, or several runs side by side.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var runs = new Argument<string[]>("runs") { Description = "Run directories", Arity = ArgumentArity.OneOrMore };
        var json = CommonOptions.Json();
        var command = new Command(
            "compare",
            """
            Show the results of a run, or put the arms of several runs side by side, paired by seed.

            Examples:
              distill compare runs/quickstart
              distill compare runs/temperature-2 runs/temperature-8
            """)
        {
            runs, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var directories = parsed.GetValue(runs)!.Select(RunSession.Existing).ToList();
            foreach (var directory in directories.Where(directory => !File.Exists(directory.ResultsFile)))
            {
                throw new UsageException(directory.IsSweep ? RunSession.OfSweep(directory) : $"{directory.Path} has no results.json yet: no job has finished; go on with `distill resume`");
            }

            return directories.Count == 1 ? One(directories[0], parsed.GetValue(json)) : Several(directories, parsed.GetValue(json));
        }));
        return command;
    }

    private static int One(RunDirectory directory, bool json)
    {
        var results = RunResults.Load(directory.ResultsFile);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(results, RunJson.Line));
        }
        else
        {
            ResultsPrinter.Print(AnsiConsole.Console, results);
        }

        return ExitCode.Fine;
    }

    private static int Several(List<RunDirectory> directories, bool json)
    {
        var comparison = RunComparison.Load([.. directories.Select(directory => directory.Path)], Catalogs.Default().Metrics);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { comparison.Runs, comparison.Entries, comparison.Warnings }, RunJson.Line));
            return ExitCode.Fine;
        }

        ResultsPrinter.PrintTable(AnsiConsole.Console, comparison.Table());
        foreach (var warning in comparison.Warnings)
        {
            Console.Out.WriteLine("note: " + warning);
        }

        return ExitCode.Fine;
    }
}
