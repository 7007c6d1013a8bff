using System.Text.Json;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using Spectre.Console;

namespace DistillSharp.Cli;

/// <summary>One run as the command shows it: progress, event files, the table at the end.</summary>
internal sealed class RunSession(Recipe recipe, RunDirectory directory, bool json, int jobs, string? dataFolder) : IDisposable
{
    private readonly Interruption _interruption = new();

    /// <summary>The run directory, which must hold a run.</summary>
    public static RunDirectory Existing(string path)
    {
        var directory = new RunDirectory(path);
        return directory.Exists ? directory : throw new UsageException($"{path} is not a run directory: it has no recipe.yaml");
    }

    /// <summary>The recipe that a run directory holds; relative paths start where they did.</summary>
    public static Recipe ReadRecipe(RunDirectory directory) =>
        RecipeReader.Read(File.ReadAllText(directory.RecipeFile), Path.GetFileName(directory.Path), directory.RecipeFolder).Recipe;

    /// <summary>Shows remarks on the recipe.</summary>
    public void Warn(IReadOnlyList<string> warnings)
    {
        foreach (var warning in warnings)
        {
            Console.Error.WriteLine("distill: note: " + warning);
        }
    }

    /// <summary>Runs or resumes, and prints the results.</summary>
    public int Run(bool isNew, string commandText)
    {
        if (jobs < 1)
        {
            throw new UsageException($"--jobs must be at least 1, not {jobs}");
        }

        var options = new ExperimentOptions { Jobs = jobs, DataFolder = dataFolder, Command = commandText, Launcher = jobs > 1 ? new ProcessLauncher(dataFolder) : null };
        if (isNew)
        {
            Experiment.Prepare(recipe, directory);
        }

        RunResults results;
        using (directory.Lock())
        using (var file = new JsonLinesWriter(directory.EventsFile))
        using (var board = new TensorBoardWriter(directory.TensorBoardFolder))
        {
            results = json
                ? new Experiment(recipe, directory, new Fan(file, board, new JsonConsoleSink(Console.Out)), options).Run(_interruption.Token)
                : ConsoleProgress.Show(sink => new Experiment(recipe, directory, new Fan(file, board, sink), options).Run(_interruption.Token));
        }

        Print(results);
        return ExitCode.Fine;
    }

    public void Dispose() => _interruption.Dispose();

    private void Print(RunResults results)
    {
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { kind = "results", results }, RunJson.Line));
            return;
        }

        ResultsPrinter.Print(AnsiConsole.Console, results);
        foreach (var path in new[] { directory.ReportFile, directory.ResultsFile, directory.StudentFile, directory.OnnxFile }.Where(File.Exists))
        {
            AnsiConsole.Console.Profile.Out.Writer.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, path));
        }
    }

    private sealed class Fan(params IRunEventSink[] sinks) : IRunEventSink
    {
        public void Write(RunEvent runEvent)
        {
            foreach (var sink in sinks)
            {
                sink.Write(runEvent);
            }
        }
    }
}

/// <summary>Events as JSON lines on a writer.</summary>
internal sealed class JsonConsoleSink(TextWriter writer) : IRunEventSink
{
    public void Write(RunEvent runEvent)
    {
        writer.WriteLine(JsonSerializer.Serialize(runEvent, RunJson.Line));
        writer.Flush();
    }
}
