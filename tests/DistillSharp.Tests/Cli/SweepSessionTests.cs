using System.Text.Json;
using DistillSharp.Cli;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Tests.Recipes;

namespace DistillSharp.Tests.Cli;

/// <summary>The file that a sweep writes its recipe to beside its own.</summary>
public sealed class SweepSessionTests : IDisposable
{
    private const string Text = RecipeText.Plain + "seeds: [0, 1]\nevaluation: {latency: false}\nsweep: {trials: 4, space: {training.learning_rate: [0.02, 0.05, 0.1, 0.2]}}\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("absent/tuned.yaml", "there is no folder")]
    [InlineData("folder", "is a folder")]
    [InlineData("there.yaml", "give --force")]
    public void Run_FileThatCouldNotBeWritten_IsRefusedBeforeAnythingIsMade(string name, string message)
    {
        Directory.CreateDirectory(_folder.File("folder"));
        _folder.Write("there.yaml", "mine");
        var directory = new RunDirectory(_folder.File("sweep"));
        using var session = new SweepSession(RecipeText.Read(Text).Recipe, directory, RunOutput.Quiet, 1, null, false);

        Assert.Contains(message, Assert.Throws<UsageException>(() => session.Run(true, _folder.File(name))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(directory.Path));
        Assert.Equal("mine", File.ReadAllText(_folder.File("there.yaml")));
    }

    [Fact]
    public void Sweep_InterruptedAndResumed_WritesTheFileOnceAndAllOfItsOutputIsJson()
    {
        var (recipe, sweep, tuned) = (_folder.Write("small.yaml", Text), _folder.File("sweep"), _folder.Write("tuned.yaml", "before"));

        var interrupted = DistillProcess.RunWith([], terminateAt: "teacher/seed-0 epoch", "sweep", recipe, "--output", sweep, "--write", tuned, "--force", "--skip-doctor");
        Assert.Equal(ExitCode.Interrupted, interrupted.ExitCode);
        Assert.Equal("before", File.ReadAllText(tuned));

        var resumed = DistillProcess.Run("resume", sweep, "--json", "--skip-doctor");
        Assert.True(resumed.ExitCode == ExitCode.Fine, resumed.Error);
        var last = resumed.Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).Last();
        Assert.Equal("sweep", last.GetProperty("kind").GetString());
        Assert.Equal(tuned, last.GetProperty("written").GetString());
        Assert.Equal("small", RecipeReader.ReadFile(tuned).Recipe.Name);

        // What its owner has made of it since stays.
        File.WriteAllText(tuned, "mine");
        Assert.Equal(ExitCode.Fine, DistillProcess.Run("resume", sweep, "--quiet", "--skip-doctor").ExitCode);
        Assert.Equal("mine", File.ReadAllText(tuned));
    }
}
