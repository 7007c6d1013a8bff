using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Small runs whose bits are compared. Initial weights come from torch's one generator, so no other test may run beside them.</summary>
[CollectionDefinition(nameof(ChainRuns), DisableParallelization = true)]
public sealed class ChainRuns : IDisposable
{
    private const string Common =
        """
        data: {dataset: digits, train_samples: 100}
        training: {epochs: 2, batch_size: 50}
        evaluation: {latency: false}

        """;

    private const string Student = "{model: mlp, widths: [8]}";

    private readonly TemporaryFolder _folder = new();

    public string File(string name) => _folder.File(name);

    public void Dispose() => _folder.Dispose();

    public Recipe Read(string text, string student = Student) =>
        RecipeReader.Read($"{Common}student: {student}\n{text}", "chain", _folder.Path, text.Contains("export:", StringComparison.Ordinal) ? null : ["export={onnx: false}"]).Recipe;

    /// <summary>A new run from the start to the end.</summary>
    public (RunResults Results, RunDirectory Directory, List<RunEvent> Events) Run(string text, int jobs = 1, string student = Student)
    {
        var directory = Prepare(text, student);
        var (results, events) = Continue(text, directory, jobs, student: student);
        return (results!, directory, events);
    }

    public RunDirectory Prepare(string text, string student = Student)
    {
        var directory = new RunDirectory(_folder.File(Guid.NewGuid().ToString("N")));
        Experiment.Prepare(Read(text, student), directory);
        return directory;
    }

    /// <summary>Runs what is not finished; null where <paramref name="stop"/> held for an event and interrupted it.</summary>
    public (RunResults? Results, List<RunEvent> Events) Continue(string text, RunDirectory directory, int jobs = 1, Func<RunEvent, bool>? stop = null, string student = Student)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var events = new List<RunEvent>();
        var sink = new CallbackSink(runEvent =>
        {
            events.Add(runEvent);
            if (stop?.Invoke(runEvent) == true)
            {
                source.Cancel();
            }
        });
        var recipe = Read(text, student);
        try
        {
            var experiment = new Experiment(recipe, directory, sink, new ExperimentOptions { Jobs = jobs, Launcher = new InProcessLauncher(recipe) });
            return (experiment.Run(source.Token), events);
        }
        catch (OperationCanceledException)
        {
            return (null, events);
        }
    }

    /// <summary>Hashes of every arm's weights in a run.</summary>
    public static SortedDictionary<string, string> Hashes(RunDirectory directory) => new(
        Directory.GetFiles(Path.Combine(directory.Path, "arms"), "*.safetensors", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(directory.Path, file), Hash), StringComparer.Ordinal);

    public static string Hash(string weights) => Metadata(weights, Provenance.WeightsSha256)!;

    /// <summary>A text of a weights file's metadata; null where it is not there.</summary>
    public static string? Metadata(string weights, string key)
    {
        using var file = new SafetensorsFile(weights);
        return file.Metadata.GetValueOrDefault(key);
    }
}
