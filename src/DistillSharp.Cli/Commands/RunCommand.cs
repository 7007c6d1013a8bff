using System.CommandLine;
using System.Globalization;
using DistillSharp.Recipes;
using DistillSharp.Runs;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill run</c>: a recipe in, a finished run directory out.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML)" };
        var output = new Option<string?>("--output") { Description = "Run directory; runs/<name>-<date>-<time> by default" };
        var (set, seed, threads, device) = (CommonOptions.Set(), CommonOptions.Seed(), CommonOptions.Threads(), CommonOptions.Device());
        var (jobs, json, quiet, data, skip) = (CommonOptions.Jobs(), CommonOptions.Json(), CommonOptions.Quiet(), CommonOptions.DataFolder(), CommonOptions.SkipDoctor());
        var command = new Command(
            "run",
            """
            Train teacher, plain student and distilled students, compare them, export the best.

            Examples:
              distill run recipes/quickstart.yaml
              distill run recipe.yaml --set training.epochs=5 --seed 0 1 --jobs 2
              distill run recipe.yaml --output runs/try --json > events.jsonl
            """)
        {
            recipe, output, set, seed, threads, device, jobs, json, quiet, data, skip,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var path = parsed.GetValue(recipe)!;
            var overrides = CommonOptions.Overrides(parsed.GetValue(set), parsed.GetValue(seed), parsed.GetValue(threads), parsed.GetValue(device));
            var reading = RecipeReader.ReadFile(path, overrides);
            var directory = new RunDirectory(parsed.GetValue(output) ?? DefaultDirectory(reading.Recipe.Name));
            using var session = new RunSession(reading.Recipe, directory, Show(parsed, json, quiet), parsed.GetValue(jobs), parsed.GetValue(data), !parsed.GetValue(skip));
            RunSession.Warn(reading.Warnings);
            return session.Run(isNew: true, CommandText(path, overrides, parsed.GetValue(data), !parsed.GetValue(skip)));
        }));
        return command;
    }

    /// <summary>What the options want to see of a run.</summary>
    public static RunOutput Show(ParseResult parsed, Option<bool> json, Option<bool> quiet) =>
        parsed.GetValue(json) ? RunOutput.Json : parsed.GetValue(quiet) ? RunOutput.Quiet : RunOutput.Progress;

    private static string DefaultDirectory(string name) =>
        Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"{name}-{DateTime.Now:yyyyMMdd-HHmmss}"));

    /// <summary>The command that repeats a run, as a POSIX shell reads it.</summary>
    internal static string CommandText(string path, IReadOnlyList<string> overrides, string? dataFolder, bool doctor) =>
        $"dotnet run -c Release --project src/DistillSharp.Cli -- run {Word(path)}"
        + string.Concat(overrides.Select(each => $" --set {Quoted(each)}"))
        + (dataFolder is null ? "" : $" --data-dir {Word(dataFolder)}")
        + (doctor ? "" : " --skip-doctor");

    private static string Word(string text) =>
        text.Length > 0 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-') ? text : Quoted(text);

    // Within single quotes nothing is special but their end.
    private static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}

/// <summary><c>distill resume</c>: goes on where a run stopped.</summary>
internal static class ResumeCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("run") { Description = "Run directory" };
        var (jobs, json, quiet, data, skip) = (CommonOptions.Jobs(), CommonOptions.Json(), CommonOptions.Quiet(), CommonOptions.DataFolder(), CommonOptions.SkipDoctor());
        var command = new Command(
            "resume",
            """
            Continue a run or a sweep that was interrupted or crashed. Finished jobs are kept; on one thread the result has the same bits as
            an uninterrupted run.

            Example:
              distill resume runs/quickstart-20260101-120000
            """)
        {
            directory, jobs, json, quiet, data, skip,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var run = RunSession.Existing(parsed.GetValue(directory)!);
            var recipe = RunSession.ReadRecipe(run);
            if (run.IsSweep)
            {
                using var sweep = new SweepSession(recipe, run, RunCommand.Show(parsed, json, quiet), parsed.GetValue(jobs), parsed.GetValue(data), !parsed.GetValue(skip));
                return sweep.Run(isNew: false);
            }

            using var session = new RunSession(recipe, run, RunCommand.Show(parsed, json, quiet), parsed.GetValue(jobs), parsed.GetValue(data), !parsed.GetValue(skip));
            return session.Run(isNew: false, "distill resume " + parsed.GetValue(directory));
        }));
        return command;
    }
}

/// <summary><c>distill job</c>: one job of a run directory, as <c>--jobs</c> starts it.</summary>
internal static class JobCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("run");
        var arm = new Option<string>("--arm") { Required = true };
        var seed = new Option<int?>("--seed");
        var data = CommonOptions.DataFolder();
        var command = new Command("job", "Run one job of a run directory (used by --jobs)") { directory, arm, seed, data };
        command.Hidden = true;
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var run = RunSession.Existing(parsed.GetValue(directory)!);
            var recipe = RunSession.ReadRecipe(run) with { Threads = 1 };
            using var interruption = new Interruption(ofAJob: true);
            var options = new ExperimentOptions { DataFolder = parsed.GetValue(data) };
            if (run.IsSweep)
            {
                new Sweep(recipe, run, new JsonConsoleSink(Console.Out), options).RunJob(parsed.GetValue(arm)!, parsed.GetValue(seed) ?? 0, interruption.Token);
                return ExitCode.Fine;
            }

            var experiment = new Experiment(recipe, run, new JsonConsoleSink(Console.Out), options);
            experiment.RunJob(parsed.GetValue(arm)!, parsed.GetValue(seed), interruption.Token);
            return ExitCode.Fine;
        }));
        return command;
    }
}
