using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using Spectre.Console;

namespace DistillSharp.Cli;

/// <summary>One run as the command shows it: progress, event files, the table at the end.</summary>
internal sealed class RunSession(Recipe recipe, RunDirectory directory, RunOutput output, int jobs, string? dataFolder, bool doctor) : IDisposable
{
    private readonly Interruption _interruption = new();

    /// <summary>The run directory, which must hold a run.</summary>
    public static RunDirectory Existing(string path)
    {
        var directory = new RunDirectory(path);
        return directory.Exists ? directory : throw new UsageException($"{path} is not a run directory: it has no recipe.yaml");
    }

    // Said before any work, as a mistake in the command line.
    internal static void Check(RunDirectory directory)
    {
        directory.CheckUnlocked();
        if (directory.Exists)
        {
            throw new UsageException(directory.IsSweep ? OfSweep(directory) + ", or choose another --output"
                : directory.IsFinished ? $"{directory.Path} holds a finished run; choose another --output (`distill compare` shows its results again)"
                : $"{directory.Path} holds an unfinished run; continue it with `distill resume`, or choose another --output");
        }

        if (File.Exists(directory.Path) || !directory.IsEmpty)
        {
            throw new UsageException($"{directory.Path} is there already and not a run; choose another --output");
        }
    }

    /// <summary>
    /// Works in a directory in which no other process works meanwhile. A new one is prepared first; where the work then fails before the data was
    /// read, there is nothing to go on with: what was prepared is taken back, so that the corrected command can begin anew.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="prepare">Writes what a new run begins with; null to go on with one.</param>
    /// <param name="work">The work.</param>
    internal static T Locked<T>(RunDirectory directory, Action? prepare, Func<T> work)
    {
        var (made, takenBack) = (!Directory.Exists(directory.Path), false);
        try
        {
            using var held = prepare is null ? directory.Lock() : directory.LockNew();
            var prepared = false;
            try
            {
                prepare?.Invoke();
                prepared = prepare is not null;
                return work();
            }
            catch (Exception error) when (prepared && error is not OperationCanceledException && !directory.HasReadData)
            {
                // While the lock is held, so that nothing of another process is taken.
                takenBack = directory.TakeBack();
                throw;
            }
        }
        finally
        {
            if (takenBack)
            {
                directory.TakeBackLock(folder: made);
            }
        }
    }

    /// <summary>What to do with the directory of a sweep where one of a run is wanted.</summary>
    public static string OfSweep(RunDirectory directory) => File.Exists(directory.SweepFile)
        ? $"{directory.Path} holds a sweep: see sweep.md; run its tuned.yaml (`distill run {directory.TunedRecipeFile}`)"
        : $"{directory.Path} holds an unfinished sweep; go on with `distill resume`";

    /// <summary>Says before any work that a number of jobs side by side is none.</summary>
    public static void CheckJobs(int jobs)
    {
        if (jobs < 1)
        {
            throw new UsageException($"--jobs must be at least 1, not {jobs}");
        }
    }

    /// <summary>Says before any work where <c>--arm</c> or <c>--seed</c> is none of the run's.</summary>
    public static void CheckArm(Recipe recipe, string? arm, int? seed)
    {
        var arms = Arms.Of(recipe);
        var name = arm ?? Arms.Exported(recipe);
        var plan = arms.FirstOrDefault(each => each.Name == name);
        if (plan is null && arm is not null)
        {
            throw new UsageException($"--arm {arm}: the run has no such arm; {NearestName.Hint(arm, arms.Select(each => each.Name))}");
        }

        if (plan is not null && seed is { } number && !plan.Seeds.Contains(number))
        {
            throw new UsageException($"--seed {number}: the seeds of {name} are {string.Join(", ", plan.Seeds)}");
        }
    }

    /// <summary>The recipe that a run directory holds; relative paths start where they did.</summary>
    public static Recipe ReadRecipe(RunDirectory directory) =>
        RecipeReader.Read(File.ReadAllText(directory.RecipeFile), Path.GetFileName(directory.Path), directory.RecipeFolder).Recipe;

    /// <summary>Shows remarks on the recipe.</summary>
    public static void Warn(IReadOnlyList<string> warnings)
    {
        foreach (var warning in warnings)
        {
            Console.Error.WriteLine("distill: note: " + warning);
        }
    }

    /// <summary>Runs or resumes, and prints the results.</summary>
    public int Run(bool isNew, string commandText)
    {
        CheckJobs(jobs);
        if (isNew)
        {
            Check(directory);
        }

        Print(Locked(directory, isNew ? () => Prepare(commandText) : null, () => Work(commandText)));
        return ExitCode.Fine;
    }

    public void Dispose() => _interruption.Dispose();

    /// <summary>The files at the top of a run that people look for.</summary>
    internal static IEnumerable<string> Written(RunDirectory directory) => new[]
    {
        directory.ReportFile, directory.ResultsFile, directory.StudentFile, directory.OnnxFile, directory.EncoderFile, directory.DecoderFile, directory.Int8File,
    }.Where(File.Exists);

    private void Prepare(string commandText)
    {
        Experiment.Prepare(recipe, directory);
        File.WriteAllText(directory.CommandFile, commandText);
    }

    private RunResults Work(string commandText)
    {
        // Results name the command that began the run, whoever finished it.
        var command = File.Exists(directory.CommandFile) ? File.ReadAllText(directory.CommandFile) : commandText;
        var options = new ExperimentOptions { Jobs = jobs, DataFolder = dataFolder, Command = command, Doctor = doctor, Launcher = jobs > 1 ? new ProcessLauncher(dataFolder) : null };
        using var file = new JsonLinesWriter(directory.EventsFile);
        using var board = new TensorBoardWriter(directory.TensorBoardFolder);
        RunResults Go(IRunEventSink shown) => new Experiment(recipe, directory, new EventFan(file, board, shown), options).Run(_interruption.Token);
        try
        {
            return ConsoleProgress.Show(output, Go);
        }
        catch (JobsFailedException error)
        {
            if (error.Results is { } others)
            {
                Print(others);
            }

            throw;
        }
    }

    private void Print(RunResults results)
    {
        if (output == RunOutput.Json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { kind = "results", results }, RunJson.Line));
            return;
        }

        ResultsPrinter.Print(AnsiConsole.Console, results);
        foreach (var path in Written(directory))
        {
            AnsiConsole.Console.Profile.Out.Writer.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, path));
        }
    }
}

/// <summary>Gives every event to several sinks.</summary>
internal sealed class EventFan(params IRunEventSink[] sinks) : IRunEventSink
{
    public void Write(RunEvent runEvent)
    {
        foreach (var sink in sinks)
        {
            sink.Write(runEvent);
        }
    }
}

/// <summary>What a run shows on standard output.</summary>
internal enum RunOutput
{
    /// <summary>Progress, then tables.</summary>
    Progress,

    /// <summary>Tables alone; warnings go to standard error.</summary>
    Quiet,

    /// <summary>Events and results as JSON lines.</summary>
    Json,
}

/// <summary>Warnings alone.</summary>
internal sealed class WarningSink(TextWriter writer) : IRunEventSink
{
    public void Write(RunEvent runEvent)
    {
        if (runEvent is NoteLogged { Level: "warning" } note)
        {
            writer.WriteLine("distill: warning: " + note.Message);
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
