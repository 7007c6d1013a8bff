using System.Text.Json;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Cli;

/// <summary>One sweep as the command shows it: progress, the table of trials, the recipe.</summary>
internal sealed class SweepSession(Recipe recipe, RunDirectory directory, RunOutput output, int jobs, string? dataFolder, bool doctor) : IDisposable
{
    private readonly Interruption _interruption = new();

    /// <summary>Starts or resumes, and prints what was found.</summary>
    /// <param name="isNew">False to resume.</param>
    /// <param name="copy">File that is given the chosen recipe too; null for none. A sweep that is resumed remembers it.</param>
    /// <param name="overwrite">True where that file may be there already.</param>
    public int Run(bool isNew, string? copy = null, bool overwrite = false)
    {
        RunSession.CheckJobs(jobs);
        // Faults of the space come before anything is made.
        _ = SweepPlan.Of(recipe);
        if (isNew)
        {
            RunSession.Check(directory);
            CheckCopy(copy, overwrite);
        }

        var results = RunSession.Locked(directory, isNew ? () => Prepare(copy) : null, Work);
        Print(results, WriteCopy());
        return ExitCode.Fine;
    }

    public void Dispose() => _interruption.Dispose();

    private void Prepare(string? copy)
    {
        Sweep.Prepare(recipe, directory);
        if (copy is not null)
        {
            File.WriteAllText(directory.SweepCopyFile, Path.GetFullPath(copy));
        }
    }

    private SweepResults Work()
    {
        var options = new ExperimentOptions { Jobs = jobs, DataFolder = dataFolder, Doctor = doctor, Launcher = jobs > 1 ? new ProcessLauncher(dataFolder) : null };
        using var file = new JsonLinesWriter(directory.EventsFile);
        SweepResults Go(IRunEventSink shown) => new Sweep(recipe, directory, new EventFan(file, shown), options).Run(_interruption.Token);
        return ConsoleProgress.Show(output, Go);
    }

    private static void CheckCopy(string? copy, bool overwrite)
    {
        if (copy is null)
        {
            return;
        }

        OutputPaths.CheckFolder("--write", copy);
        if (File.Exists(copy) && !overwrite)
        {
            throw new UsageException($"--write {copy} exists; choose another name or give --force");
        }
    }

    // Once: what became of the file since is its owner's.
    private string? WriteCopy()
    {
        if (!File.Exists(directory.SweepCopyFile))
        {
            return null;
        }

        var copy = File.ReadAllText(directory.SweepCopyFile);
        RecipeReader.ReadFile(directory.TunedRecipeFile).Recipe.WriteTo(copy);
        File.Delete(directory.SweepCopyFile);
        return copy;
    }

    private void Print(SweepResults results, string? copy)
    {
        if (output == RunOutput.Json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { kind = "sweep", results, recipe = directory.TunedRecipeFile, written = copy }, RunJson.Line));
            return;
        }

        foreach (var arm in results.Rows.GroupBy(row => row.Arm))
        {
            Console.Out.WriteLine();
            Console.Out.WriteLine($"{arm.Key}: {arm.Count()} trials, best first");
            foreach (var row in arm.OrderByDescending(row => row.IsChosen).ThenBy(row => row, Comparer<SweepRow>.Create(results.Compare)))
            {
                var settings = string.Join(", ", row.Settings.Select(setting => $"{setting.Key} {setting.Value}"));
                Console.Out.WriteLine($"  {results.Number(row, results.Select),9}  {settings}{(row.IsChosen ? "  (chosen)" : row.Failure is null ? "" : "  (did not train)")}");
            }
        }

        Console.Out.WriteLine();
        foreach (var path in new[] { directory.SweepTableFile, directory.TunedRecipeFile, copy }.OfType<string>())
        {
            Console.Out.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, path));
        }
    }
}
