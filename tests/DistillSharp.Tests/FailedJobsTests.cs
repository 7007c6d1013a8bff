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

    [Fact]
    public void RunSideBySide_ArmThatDiverges_IsNamed()
    {
        var error = Assert.Throws<JobsFailedException>(() => _runs.Run(Text, jobs: 2));

        Assert.Equal(["wild/seed-0", "wild/seed-1"], error.Failures.Select(failure => failure[..11]).Order());
        Assert.Equal([0, 1], error.Results!.Arm("soft")!.Seeds);
    }
}
