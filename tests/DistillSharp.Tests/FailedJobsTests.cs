using DistillSharp.Export.Onnx;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>An arm that fails does not cost the others their results.</summary>
[Collection(nameof(ChainRuns))]
public sealed class FailedJobsTests : IDisposable
{
    private const string Text =
        """
        teacher: {model: mlp, widths: [16]}
        objectives:
          wild: {hard_labels: 0.5, terms: [{method: soft_target, temperature: 2, weight: 0.5}], training: {learning_rate: 1.0e+30}}
          soft: {hard_labels: 0.5, terms: [{method: soft_target, temperature: 2, weight: 0.5}]}
        export: {arm: soft}
        seeds: [0, 1]
        """;

    private readonly ChainRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Run_ArmThatDiverges_IsNamedAndTheOthersAreComparedAndExported()
    {
        var directory = _runs.Prepare(Text);
        var warnings = new List<string>();

        var error = Assert.Throws<JobsFailedException>(() => _runs.Continue(Text, directory, stop: runEvent =>
        {
            if (runEvent is NoteLogged { Level: "warning" } note)
            {
                warnings.Add(note.Message);
            }

            return false;
        }));

        Assert.Equal(["wild/seed-0", "wild/seed-1"], error.Failures.Select(failure => failure[..11]));
        Assert.StartsWith("2 jobs failed", error.Message, StringComparison.Ordinal);
        Assert.Contains(warnings, warning => warning.StartsWith("wild/seed-0 failed, and the run goes on without it: wild/seed-0, step ", StringComparison.Ordinal));
        var results = RunResults.Load(directory.ResultsFile);
        Assert.Equal(["wild/seed-0", "wild/seed-1"], results.Missing);
        Assert.Equal([0, 1], results.Arm("soft")!.Seeds);
        Assert.True(File.Exists(directory.StudentFile));
        Assert.False(directory.IsFinished);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_ArmsThatBuildOnOneThatFails_AreNamedAndTheOthersGoOn(int jobs)
    {
        const string Chain =
            """
            teacher: {model: mlp, widths: [16]}
            objectives:
              born: {scheme: {scheme: born_again, generations: 2, ensemble: true}}
              soft: {hard_labels: 0.5, terms: [{method: soft_target, temperature: 2, weight: 0.5}]}
            baselines: {plain: true, compute_matched: true, training: {plain: {learning_rate: 1.0e+30}}}
            export: {arm: soft}
            seeds: [0]
            """;
        var directory = _runs.Prepare(Chain);
        for (var round = 0; round < 2; round++)
        {
            var error = Assert.Throws<JobsFailedException>(() => _runs.Continue(Chain, directory, jobs));
            var failures = error.Failures.Order(StringComparer.Ordinal).ToList();
            Assert.Equal(5, failures.Count);
            Assert.Equal("born/seed-0: born_1/seed-0, which it needs, has no result", failures[0]);
            Assert.Equal("born_1/seed-0: plain/seed-0, which it needs, has no result", failures[1]);
            Assert.Equal("born_ensemble/seed-0: born_1/seed-0, which it needs, has no result", failures[2]);
            Assert.StartsWith("plain/seed-0: plain/seed-0, step ", failures[3], StringComparison.Ordinal);
            Assert.Equal("plain_compute_matched/seed-0: plain/seed-0, which it needs, has no result", failures[4]);
            Assert.NotNull(error.Results!.Arm("soft"));
        }
    }

    [Fact]
    public void Run_ArmWhoseSettingsAllDiverge_IsTunedOnce()
    {
        var text = Text.Replace("training: {learning_rate: 1.0e+30}", "tuning: {training.learning_rate: [1.0e+30, 2.0e+30]}", StringComparison.Ordinal) + "\ntuning: {learning_rate: [0.05, 0.1]}\n";
        var directory = _runs.Prepare(text);
        var trials = 0;

        var error = Assert.Throws<JobsFailedException>(() => _runs.Continue(text, directory, stop: runEvent =>
        {
            trials += runEvent is NoteLogged { Level: "warning" } note && note.Message.StartsWith("wild: training.learning_rate", StringComparison.Ordinal) ? 1 : 0;
            return false;
        }));

        Assert.Equal(2, trials);
        Assert.StartsWith("wild (tuning): wild: no setting of its tuning trained", error.Failures[0], StringComparison.Ordinal);
        Assert.Equal(["wild/seed-0: its tuning failed", "wild/seed-1: its tuning failed"], error.Failures.Skip(1));
        Assert.Equal([0, 1], error.Results!.Arm("soft")!.Seeds);
        Assert.Empty(Directory.GetFiles(directory.ArmFolder("wild"), "tuning*"));
    }

    [Fact]
    public void Run_SettingThatCannotBeBuilt_IsAFailedTrialOfItsTuning()
    {
        var (_, directory, events) = _runs.Run(
            """
            teacher: {model: mlp, widths: [16]}
            objective: {name: soft, terms: [{method: correlation_congruence, student: penultimate, teacher: penultimate}], tuning: {terms.0.projector: [none, linear]}}
            tuning: {learning_rate: [0.05, 0.1]}
            seeds: [0]
            """);

        Assert.Equal([true, false], JobResult.Load(directory.JobResultFile("soft", 0)).Tuning.Select(trial => trial.Failed));
        Assert.Contains(events.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.StartsWith("soft: terms.0.projector none → ", StringComparison.Ordinal) && note.Message.Contains("cannot be subtracted", StringComparison.Ordinal));
    }

    [Fact]
    public void IsUntuned_ArmWhoseTuningFailed_AddsNoFailure()
    {
        var failed = new FailedJobs(_ => { });
        failed.Add("wild", null, "no setting trained");

        Assert.True(failed.IsUntuned("wild"));
        Assert.False(failed.IsUntuned("soft"));
        Assert.Equal(["wild (tuning): no setting trained"], Assert.Throws<JobsFailedException>(() => failed.ThrowIfAny(null)).Failures);

        failed.AddUntuned("wild", 1);

        Assert.Equal("wild/seed-1: its tuning failed", Assert.Throws<JobsFailedException>(() => failed.ThrowIfAny(null)).Failures[1]);
    }

    [Fact]
    public void IsOfOneJob_ExportThatDiffers_IsAndAFullDiskIsNot()
    {
        Assert.True(FailedJobs.IsOfOneJob(new ParityException("sample 0 differs")));
        Assert.False(FailedJobs.IsOfOneJob(new IOException("disk full")));
    }

    [Fact]
    public void RunSideBySide_ArmThatDiverges_IsNamed()
    {
        var error = Assert.Throws<JobsFailedException>(() => _runs.Run(Text, jobs: 2));

        Assert.Equal(["wild/seed-0", "wild/seed-1"], error.Failures.Select(failure => failure[..11]).Order());
        Assert.Equal([0, 1], error.Results!.Arm("soft")!.Seeds);
    }
}
