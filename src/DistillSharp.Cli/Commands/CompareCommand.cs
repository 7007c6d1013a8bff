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
        var counterparts = new Option<string[]>("--same") { Description = "Arm of the later runs and the arm of the first run that it is compared with, where their names differ, such as mean_probabilities=mean_logits; may be given again" };
        var json = CommonOptions.Json();
        var command = new Command(
            "compare",
            """
            Show the results of a run, or put the arms of several runs side by side, paired by seed.

            Examples:
              distill compare runs/quickstart
              distill compare runs/temperature-2 runs/temperature-8
              distill compare runs/logits runs/probabilities --same mean_probabilities=mean_logits
            """)
        {
            runs, counterparts, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var directories = parsed.GetValue(runs)!.Select(RunSession.Existing).ToList();
            foreach (var directory in directories.Where(directory => !File.Exists(directory.ResultsFile)))
            {
                throw new UsageException(directory.IsSweep ? RunSession.OfSweep(directory) : $"{directory.Path} has no results.json yet: no job has finished; go on with `distill resume`");
            }

            var same = Counterparts(parsed.GetValue(counterparts) ?? []);
            if (directories.Count == 1 && same.Count > 0)
            {
                throw new UsageException("--same names arms of two runs; only one run was given");
            }

            return directories.Count == 1 ? One(directories[0], parsed.GetValue(json)) : Several(directories, same, parsed.GetValue(json));
        }));
        return command;
    }

    private static Dictionary<string, string> Counterparts(string[] pairs)
    {
        var counterparts = new Dictionary<string, string>();
        foreach (var pair in pairs)
        {
            if (pair.Split('=') is not [{ Length: > 0 } arm, { Length: > 0 } counterpart] || !counterparts.TryAdd(arm, counterpart))
            {
                throw new UsageException($"--same {pair}: give an arm of the later runs and one of the first, each once, such as mean_probabilities=mean_logits");
            }
        }

        return counterparts;
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

    private static int Several(List<RunDirectory> directories, Dictionary<string, string> counterparts, bool json)
    {
        RunComparison comparison;
        try
        {
            comparison = RunComparison.Load([.. directories.Select(directory => directory.Path)], Catalogs.Default().Metrics, counterparts);
        }
        catch (ArgumentException error) when (counterparts.Count > 0)
        {
            throw new UsageException($"--same: {error.Message}");
        }

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
