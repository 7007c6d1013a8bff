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
    /// <param name="copy">File that is given the chosen recipe too; null for none.</param>
    public int Run(bool isNew, string? copy)
    {
        if (jobs < 1)
        {
            throw new UsageException($"--jobs must be at least 1, not {jobs}");
        }

        // Faults of the space come before anything is made.
        _ = SweepPlan.Of(recipe);
        if (isNew)
        {
            RunSession.Check(directory);
            Sweep.Prepare(recipe, directory);
        }

        var options = new ExperimentOptions { Jobs = jobs, DataFolder = dataFolder, Doctor = doctor, Launcher = jobs > 1 ? new ProcessLauncher(dataFolder) : null };
        SweepResults results;
        using (directory.Lock())
        using (var file = new JsonLinesWriter(directory.EventsFile))
        {
            SweepResults Go(IRunEventSink shown) => new Sweep(recipe, directory, new EventFan(file, shown), options).Run(_interruption.Token);
            results = output switch
            {
                RunOutput.Json => Go(new JsonConsoleSink(Console.Out)),
                RunOutput.Quiet => Go(new WarningSink(Console.Error)),
                _ => ConsoleProgress.Show(Go),
            };
        }

        Print(results);
        if (copy is not null)
        {
            RecipeReader.ReadFile(directory.TunedRecipeFile).Recipe.WriteTo(copy);
            Console.Out.WriteLine(copy);
        }

        return ExitCode.Fine;
    }

    public void Dispose() => _interruption.Dispose();

    private void Print(SweepResults results)
    {
        if (output == RunOutput.Json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { kind = "sweep", results, recipe = directory.TunedRecipeFile }, RunJson.Line));
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
        foreach (var path in new[] { directory.SweepTableFile, directory.TunedRecipeFile })
        {
            Console.Out.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, path));
        }
    }
}
