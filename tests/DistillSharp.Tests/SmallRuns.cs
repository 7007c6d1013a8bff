using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Whole runs in this process, as small as they can be, in a folder that is gone when the test is over.</summary>
internal sealed class SmallRuns : IDisposable
{
    /// <summary>What most of them share: 100 digits, a student of eight units, two epochs.</summary>
    public const string Common =
        """
        data: {dataset: digits, train_samples: 100}
        student: {model: mlp, widths: [8]}
        training: {epochs: 2, batch_size: 50}
        evaluation: {latency: false}

        """;

    private readonly TemporaryFolder _folder = new();

    public string Folder => _folder.Path;

    public string File(string name) => _folder.File(name);

    public void Dispose() => _folder.Dispose();

    public Recipe Read(string text, string[]? overrides = null, Catalogs? catalogs = null) => RecipeReader.Read(text, "experiment", Folder, overrides, catalogs).Recipe;

    /// <summary>A new run from the start to the end.</summary>
    public (RunResults Results, RunDirectory Directory, List<RunEvent> Events) Run(string text, int jobs = 1, Action<RunDirectory>? prepared = null)
    {
        var recipe = Read(text);
        var directory = Prepare(recipe);
        prepared?.Invoke(directory);
        var sink = new RecordingSink();
        var options = new ExperimentOptions { Jobs = jobs, Launcher = new InProcessLauncher(recipe) };
        return (new Experiment(recipe, directory, sink, options).Run(TestContext.Current.CancellationToken), directory, sink.Written);
    }

    public RunDirectory Prepare(Recipe recipe)
    {
        var directory = new RunDirectory(File(Guid.NewGuid().ToString("N")));
        Experiment.Prepare(recipe, directory);
        return directory;
    }
}
