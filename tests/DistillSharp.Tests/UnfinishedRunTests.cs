using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>What an interrupted run shows of the jobs that have finished.</summary>
[Collection(nameof(ChainRuns))]
public sealed class UnfinishedRunTests : IDisposable
{
    private readonly ChainRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Results_OfAnInterruptedRun_ShowWhatIsThereAndNameWhatIsNot()
    {
        const string text =
            """
            teacher: {model: mlp, widths: [16]}
            objective: {name: soft, hard_labels: 0.5, terms: [{method: soft_target, temperature: 2, weight: 0.5}]}
            seeds: [0, 1]
            """;
        var directory = _runs.Prepare(text);

        Assert.Null(_runs.Continue(text, directory, stop: runEvent => runEvent is StepLogged { Seed: 1 }).Results);

        var results = RunResults.Load(directory.ResultsFile);
        Assert.False(directory.IsFinished);
        Assert.NotEmpty(results.Missing);
        Assert.All(results.Missing, job => Assert.EndsWith("/seed-1", job, StringComparison.Ordinal));
        Assert.All(results.Arms, arm => Assert.Contains(0, arm.Seeds));
        Assert.Contains(results.Missing[0], File.ReadAllText(directory.ReportFile), StringComparison.Ordinal);
        Assert.False(File.Exists(directory.StudentFile));

        _runs.Continue(text, directory);
        Assert.True(directory.IsFinished);
        Assert.Contains(RunResults.Load(directory.ResultsFile).Arms, arm => arm.Seeds is [0, 1]);
    }

    [Fact]
    public void Results_OfARunInSeveralSessions_HaveItsStartAndTheSecondsOfAllOfThem()
    {
        const string text =
            """
            objective: {scheme: {scheme: self_distillation, heads: [hidden1]}}
            baselines: {plain: true}
            seeds: [0]
            """;
        var (directory, clock) = (_runs.Prepare(text), new ManualClock());
        var start = clock.Now;
        // Each of the two jobs takes as many minutes as epochs.
        Experiment Session() => new(_runs.Read(text), directory, new EpochMinutes(clock), clock: clock);

        Session().RunJob("plain", 0, TestContext.Current.CancellationToken);
        clock.Now += TimeSpan.FromHours(5);
        var finished = Session().Run(TestContext.Current.CancellationToken);
        Assert.Equal((start, 240.0), (finished.Started!.Value, finished.Seconds));

        clock.Now += TimeSpan.FromDays(1);
        var resumed = Session().Run(TestContext.Current.CancellationToken);
        Assert.Equal((start, 240.0), (resumed.Started!.Value, resumed.Seconds));
        Assert.Equal(240.0, RunResults.Load(directory.ResultsFile).Seconds);
    }

    [Fact]
    public void Run_InterruptedInItsTuning_GoesOnWithTheNextTrial()
    {
        const string text =
            """
            objective: {scheme: {scheme: self_distillation, heads: [hidden1]}}
            baselines: {plain: true}
            tuning: {learning_rate: [0.02, 0.05, 0.1]}
            seeds: [0]
            """;
        var directory = _runs.Prepare(text);
        Assert.Null(_runs.Continue(text, directory, stop: runEvent => runEvent is NoteLogged note && note.Message.StartsWith("plain: learning_rate 0.02 ", StringComparison.Ordinal)).Results);

        var (results, events) = _runs.Continue(text, directory);
        var tried = events.OfType<NoteLogged>().Select(note => note.Message).Where(message => message.StartsWith("plain: learning_rate", StringComparison.Ordinal)).Select(message => message.Split(' ')[2]);
        Assert.Equal(["0.05", "0.1"], tried);
        Assert.NotNull(results);
        Assert.Equal(["0.02", "0.05", "0.1"], JobResult.Load(directory.JobResultFile("plain", 0)).Tuning.Select(trial => trial.Settings["learning_rate"]));
        Assert.Equal(["tuning.json"], Directory.GetFiles(directory.ArmFolder("plain")).Select(file => Path.GetFileName(file)));
    }

    /// <summary>Lets a minute pass with every epoch.</summary>
    private sealed class EpochMinutes(ManualClock clock) : IRunEventSink
    {
        public void Write(RunEvent runEvent) => clock.Now += runEvent is EpochEnded ? TimeSpan.FromMinutes(1) : TimeSpan.Zero;
    }
}
