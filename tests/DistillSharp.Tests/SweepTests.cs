using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Tests.Vision.Images;
using DistillSharp.Vision.Images;

namespace DistillSharp.Tests;

/// <summary>Whole sweeps in this process.</summary>
[Collection(nameof(ChainRuns))]
public sealed class SweepTests : IDisposable
{
    private const string Text =
        """
        data: {dataset: digits, train_samples: 100}
        teacher: {model: mlp, widths: [16]}
        student: {model: mlp, widths: [8]}
        training: {epochs: 2, batch_size: 50}
        evaluation: {latency: false}
        objective: {terms: [{method: soft_target, temperature: 4}]}
        baselines: {plain: true, label_smoothing: 0.1}
        seeds: [0, 1]
        sweep: {trials: 3, space: {training.learning_rate: 0.00001..0.2, objective.terms.0.temperature: 1..8}}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_ThreeArms_TriesEachAsOftenOnValidationAndWritesTheBestAsARecipe()
    {
        var (results, directory, events) = Run(Text);
        Assert.Equal(["plain", "label_smoothing", "soft_target"], results.Rows.Select(row => row.Arm).Distinct());
        foreach (var arm in results.Rows.GroupBy(row => row.Arm))
        {
            Assert.Equal(3, arm.Count());
            var chosen = Assert.Single(arm, row => row.IsChosen);
            Assert.Equal(arm.Max(row => row.Validation["top1"]), chosen.Validation["top1"]);
        }

        // The teacher is the only job that was measured on test data, and was trained once.
        Assert.Equal("teacher", Assert.Single(Directory.EnumerateFiles(directory.Path, "metrics.json", SearchOption.AllDirectories).Select(file => Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(file)!)!))));
        Assert.Single(events, each => each is JobStarted { Arm: "teacher" });
        Assert.DoesNotContain(events.OfType<JobEnded>().Where(ended => ended.Arm != "teacher"), ended => ended.Metrics.ContainsKey("top1"));
        Assert.Equal(events.OfType<RunStarted>().Single().Jobs.Order(), events.OfType<JobEnded>().Select(ended => $"{ended.Arm}/seed-{ended.Seed}").Order());

        var tuned = RecipeReader.ReadFile(directory.TunedRecipeFile).Recipe;
        var (plain, distilled) = (results.Rows.First(row => row is { Arm: "plain", IsChosen: true }), results.Rows.First(row => row is { Arm: "soft_target", IsChosen: true }));
        var arms = Arms.Of(tuned).ToDictionary(arm => arm.Name, arm => arm.Plan.Stages[0]);
        Assert.Equal(plain.Settings["training.learning_rate"], Invariant(arms["plain"].Training.LearningRate));
        Assert.Equal(distilled.Settings["training.learning_rate"], Invariant(arms["soft_target"].Training.LearningRate));
        Assert.Contains("| chosen |", File.ReadAllText(directory.SweepTableFile), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateDirectories(directory.Path, "checkpoints", SearchOption.AllDirectories));

        var run = new RunDirectory(_folder.File("run"));
        Experiment.Prepare(tuned, run);
        Assert.Equal(4, new Experiment(tuned, run, new SilentSink()).Run(TestContext.Current.CancellationToken).Arms.Count);
    }

    [Fact]
    public void Run_InterruptedAndResumed_HasTheSameTableAndTrainsNothingTwice()
    {
        var (whole, _, _) = Run(Text);
        var directory = Prepare(Text);
        using var source = new CancellationTokenSource();
        var recipe = Read(Text);
        Assert.Throws<OperationCanceledException>(() => new Sweep(recipe, directory, new CallbackSink(runEvent =>
        {
            if (runEvent is EpochEnded { Arm: "label_smoothing/trial-02", Epoch: 1 })
            {
                source.Cancel();
            }
        })).Run(source.Token));
        Assert.False(File.Exists(directory.SweepFile));

        var (resumed, events) = Continue(Text, directory);
        Assert.DoesNotContain(events.OfType<JobStarted>(), started => started.Arm is "teacher" or "plain/trial-01" or "plain/trial-02" or "soft_target/trial-01");
        Assert.Equal(Figures(whole), Figures(resumed));
    }

    [Fact]
    public void Run_ChainThatLearnsFromThePlainStudent_StartsAfterItsTrials()
    {
        var (results, _, events) = Run(
            """
            data: {dataset: digits, train_samples: 60}
            student: {model: mlp, widths: [8]}
            training: {epochs: 1, batch_size: 60}
            objective: {scheme: {scheme: born_again, generations: 2}}
            sweep: {trials: 2, space: {training.learning_rate: [0.01, 0.1]}}
            """);
        Assert.Equal(4, results.Rows.Count);
        Assert.Equal(
            ["plain/trial-01", "plain/trial-02", "born_again_1/trial-01", "born_again/trial-01", "born_again_1/trial-02", "born_again/trial-02"], events.OfType<JobStarted>().Select(started => started.Arm));
    }

    [Fact]
    public void Run_TrialThatCannotBeBuilt_IsAFailedTrialAndTheOthersGoOn()
    {
        var (results, directory, events) = Run(
            """
            data: {dataset: digits, train_samples: 60}
            teacher: {model: mlp, widths: [16]}
            student: {model: mlp, widths: [8]}
            training: {epochs: 1, batch_size: 60}
            objective: {terms: [{method: correlation_congruence, student: penultimate, teacher: penultimate}]}
            baselines: {plain: false}
            sweep: {trials: 2, space: {objective.terms.0.projector: [none, linear]}}
            """);

        Assert.Equal("linear", Assert.Single(results.Rows, row => row.IsChosen).Settings["objective.terms.0.projector"]);
        Assert.Contains("cannot be subtracted", Assert.Single(results.Rows, row => row.Failure is not null).Failure, StringComparison.Ordinal);
        Assert.Contains(events.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.Contains("cannot be subtracted", StringComparison.Ordinal));
        Assert.True(File.Exists(directory.TunedRecipeFile));
    }

    [Fact]
    public void Run_MetricThatTrialsAreNotMeasuredBy_FailsAfterTheFirst()
    {
        var text = Text.Replace("{trials: 3,", "{trials: 3, select: wer,", StringComparison.Ordinal);
        var directory = Prepare(text);
        var events = new List<RunEvent>();
        var error = Assert.Throws<InvalidOperationException>(() => new Sweep(Read(text), directory, new CallbackSink(events.Add)).Run(TestContext.Current.CancellationToken));
        Assert.Contains("not measured by `wer`; choose one of", error.Message, StringComparison.Ordinal);
        Assert.Contains("top1", error.Message, StringComparison.Ordinal);
        Assert.Equal(["teacher", "plain/trial-01"], events.OfType<JobEnded>().Select(ended => ended.Arm));

        // Nor does it go on when it is run again.
        events.Clear();
        Assert.Throws<InvalidOperationException>(() => new Sweep(Read(text), directory, new CallbackSink(events.Add)).Run(TestContext.Current.CancellationToken));
        Assert.Empty(events.OfType<JobEnded>());
    }

    [Fact]
    public void Run_ImagesBesideTheRecipeOfWhichOneIsLeftOut_SaysSoAndWritesARecipeThatFindsThem()
    {
        ImageMaker.Classes(_folder.File("images/train"), 2, 12);
        ImageMaker.Classes(_folder.File("images/test"), 2, 2);
        File.WriteAllText(_folder.File("images/train/n01/n01_3.JPEG"), "torn");
        var (_, directory, events) = Run(Text
            .Replace("{dataset: digits, train_samples: 100}", "{dataset: image_folder, folder: images, size: 8, corrupt: skip, validation: 0.2}", StringComparison.Ordinal)
            .Replace("batch_size: 50", "batch_size: 8", StringComparison.Ordinal)
            .Replace("trials: 3", "trials: 1", StringComparison.Ordinal));

        Assert.Contains(events.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.Contains("1 of 24 training images", StringComparison.Ordinal));
        Assert.Equal(_folder.File("images"), ((ImageFolderOptions)RecipeReader.ReadFile(directory.TunedRecipeFile).Recipe.Dataset.Options).Folder);
    }

    [Fact]
    public void RunJob_OneTrial_LeavesItsResult()
    {
        var directory = Prepare(Text);
        new Sweep(Read(Text), directory, new SilentSink()).RunJob("plain/trial-02", 1000, TestContext.Current.CancellationToken);
        Assert.True(File.Exists(directory.TrialFile("plain/trial-02", 1000)));
        Assert.Throws<ArgumentException>(() => new Sweep(Read(Text), directory, new SilentSink()).RunJob("plain/trial-09", 1000, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("top1", new[] { 0.5, 0.7, 0.7 }, 1)]
    [InlineData("nll", new[] { 0.5, 0.3, 0.4 }, 1)]
    [InlineData("top1", new[] { double.NaN, 0.1, 0.2 }, 2)]
    public void Best_ByDirectionOfTheMetric_IsTheFirstOfEquals(string metric, double[] values, int expected) => Assert.Equal(
        expected, SweepResults.Best([.. values.Select(value => double.IsNaN(value) ? new TrialResult { Name = "x", Failure = "diverged" } : new TrialResult { Name = "x", Validation = { [metric] = value } })], metric));

    private static string Invariant(double number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static List<string> Figures(SweepResults results) =>
        [.. results.Rows.Select(row => $"{row.Arm} {row.Trial} {row.IsChosen} {row.Validation["nll"]:R} {string.Join(' ', row.Settings.Values)}")];

    private Recipe Read(string text) => RecipeReader.Read(text, "sweep", _folder.Path).Recipe;

    private RunDirectory Prepare(string text)
    {
        var directory = new RunDirectory(_folder.File(Guid.NewGuid().ToString("N")));
        Sweep.Prepare(Read(text), directory);
        return directory;
    }

    private (SweepResults Results, RunDirectory Directory, List<RunEvent> Events) Run(string text)
    {
        var directory = Prepare(text);
        var (results, events) = Continue(text, directory);
        return (results, directory, events);
    }

    private (SweepResults Results, List<RunEvent> Events) Continue(string text, RunDirectory directory)
    {
        var events = new List<RunEvent>();
        var results = new Sweep(Read(text), directory, new CallbackSink(events.Add)).Run(TestContext.Current.CancellationToken);
        return (results, events);
    }
}
