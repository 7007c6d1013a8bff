using DistillSharp.Cli;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Tests.Recipes;

namespace DistillSharp.Tests.Cli;

/// <summary>What the command says of run directories before it works on them.</summary>
public sealed class RunSessionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReadRecipe_OfAPreparedRun_HasTheNameItBeganWith()
    {
        var recipe = RecipeReader.ReadFile(_folder.Write("my recipe.yaml", RecipeText.Plain)).Recipe;
        Experiment.Prepare(recipe, new RunDirectory(_folder.File("elsewhere")));

        Assert.Equal(recipe.Name, RunSession.ReadRecipe(RunSession.Existing(_folder.File("elsewhere"))).Name);
        Assert.Equal(recipe.Name, RunSession.ReadRecipe(RunSession.Existing(_folder.File("elsewhere/"))).Name);
    }

    [Theory]
    [InlineData(true, "holds a sweep: see sweep.md; run its tuned.yaml")]
    [InlineData(false, "holds an unfinished sweep; go on with `distill resume`")]
    public void Check_DirectoryOfASweep_SaysWhatToDoWithIt(bool finished, string message)
    {
        var directory = Sweep(finished);

        Assert.Contains(message, Assert.Throws<UsageException>(() => RunSession.Check(directory)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "holds a sweep: see sweep.md; run its tuned.yaml")]
    [InlineData(false, "holds an unfinished sweep; go on with `distill resume`")]
    public void Compare_DirectoryOfASweep_SaysWhatToDoWithIt(bool finished, string message)
    {
        var result = DistillProcess.Run("compare", Sweep(finished).Path);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("no job has finished", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a b --same two=one", 0, "one of b is its arm two.")]
    [InlineData("a b --same two", 2, "--same two: give an arm of the later runs and one of the first")]
    [InlineData("a b --same two=one --same two=one", 2, "each once")]
    [InlineData("a b --same two=three", 2, "--same: the first run has no arm three")]
    [InlineData("a --same two=one", 2, "only one run was given")]
    public void Compare_ArmsOfOtherNames_ArePairedOrNamed(string arguments, int exitCode, string message)
    {
        foreach (var (run, arm) in new[] { ("a", "one"), ("b", "two") })
        {
            Directory.CreateDirectory(_folder.File(run));
            File.WriteAllText(_folder.File($"{run}/recipe.yaml"), RecipeText.Plain);
            Comparison.Build([new JobResult { Arm = arm, Seed = 0, Metrics = { ["top1"] = 0.9 } }], [], [], run).Save(_folder.File($"{run}/results.json"));
        }

        var result = DistillProcess.Run(["compare", .. arguments.Split(' ').Select(word => word is "a" or "b" ? _folder.File(word) : word)]);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(message, result.Output + result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("sweep")]
    public void Distill_RecipeThatDoesNotFitItsData_SaysItsRemarksAndLeavesNoRunBehind(string command)
    {
        var (recipe, output) = (_folder.Write("small.yaml", RecipeText.Plain + "seeds: [0]\n"), _folder.File("out"));

        var result = DistillProcess.Run(command, recipe, "--output", output, "--set", "data.train_samples=5000");

        Assert.NotEqual(ExitCode.Fine, result.ExitCode);
        Assert.Contains("train_samples is 5000", result.Error, StringComparison.Ordinal);
        Assert.Contains("distill: note: one seed", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));
    }

    [Fact]
    public void Doctor_RecipeWithRemarks_SaysThem()
    {
        var result = DistillProcess.Run("doctor", _folder.Write("small.yaml", RecipeText.Plain + "seeds: [0]\n"), "--set", "data.train_samples=5000");

        Assert.Contains("distill: note: one seed", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Locked_FailureBeforeTheDataIsRead_TakesBackTheRunAndTheFolderThatWasMade()
    {
        var directory = new RunDirectory(_folder.File("runs/new"));

        Fail(directory);

        Assert.Equal(["runs"], Names(_folder.Path));
        Assert.Empty(Names(_folder.File("runs")));
    }

    [Fact]
    public void Locked_FailureInAFolderThatWasThere_LeavesItAndWhatOthersPutThere()
    {
        var directory = new RunDirectory(_folder.Path);

        Fail(directory);
        Assert.Empty(Names(_folder.Path));

        Fail(directory, _folder.File("mine.txt"));
        Assert.Equal(["mine.txt"], Names(_folder.Path));
    }

    [Fact]
    public void Locked_FailureAfterTheDataWasRead_KeepsTheRun()
    {
        var directory = new RunDirectory(_folder.File("run"));

        Fail(directory, directory.DataFile);

        Assert.Contains("holds an unfinished run", Assert.Throws<UsageException>(() => RunSession.Check(directory)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Locked_DirectoryInWhichAnotherProcessPreparesARun_IsLeftAsItIs()
    {
        var directory = new RunDirectory(_folder.File("run"));
        using var other = directory.LockNew();
        File.WriteAllText(directory.EnvironmentFile, "{}");

        Assert.Contains("another process is running", Assert.Throws<IOException>(() => RunSession.Check(directory)).Message, StringComparison.Ordinal);
        Assert.Contains("another process is running", Assert.Throws<IOException>(() => RunSession.Locked(directory, () => Prepare(directory), () => 0)).Message, StringComparison.Ordinal);
        Assert.Equal(["environment.json", "run.lock"], Names(directory.Path));
    }

    [Theory]
    [InlineData("evaluate RUN --arm soft_targt", "did you mean `soft_target`?")]
    [InlineData("evaluate RUN --arm plain --seed 7", "--seed 7: the seeds of plain are 0, 1, 2")]
    [InlineData("export RUN --output student.onnx --seed 7", "--seed 7: the seeds of soft_target are 0, 1, 2")]
    [InlineData("export RUN --output absent/student.onnx", "there is no folder")]
    [InlineData("quantise RUN --arm soft_targt", "did you mean `soft_target`?")]
    [InlineData("translate --model RUN --seed 7", "--seed 7: the seeds of soft_target are 0, 1, 2")]
    [InlineData("predict --model RUN --top 0 photo.png", "--top must be at least 1, not 0")]
    public void Distill_OptionThatIsNoneOfTheRuns_IsAMistakeInTheCommandLine(string arguments, string message)
    {
        File.WriteAllText(_folder.File("recipe.yaml"), RecipeText.Plain);

        var result = DistillProcess.Run(arguments.Replace("RUN", _folder.Path, StringComparison.Ordinal).Split(' '));

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Quantise_RunWithoutClasses_SaysThatItIsForClassifiers()
    {
        File.Copy(Repository.File("recipes", "text", "translation", "toy_smoke.yaml"), _folder.File("recipe.yaml"));

        var result = DistillProcess.Run("quantise", _folder.Path);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("quantise is for classifiers", result.Error, StringComparison.Ordinal);
        Assert.Contains("a run on toy_phrases", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Written_StudentOfTwoGraphs_NamesBothFiles()
    {
        var directory = new RunDirectory(_folder.Path);
        foreach (var name in new[] { "results.json", "student.safetensors", "student.encoder.onnx", "student.decoder.onnx", "vocab.json" })
        {
            _folder.Write(name, "");
        }

        Assert.Equal(["results.json", "student.safetensors", "student.encoder.onnx", "student.decoder.onnx"], RunSession.Written(directory).Select(Path.GetFileName));
    }

    private static IEnumerable<string?> Names(string folder) => Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static void Prepare(RunDirectory directory) => Experiment.Prepare(RecipeText.Read(RecipeText.Plain).Recipe, directory);

    private static void Fail(RunDirectory directory, string? written = null) => Assert.Throws<InvalidDataException>(() => RunSession.Locked<int>(directory, () => Prepare(directory), () =>
    {
        if (written is not null)
        {
            File.WriteAllText(written, "{}");
        }

        throw new InvalidDataException("too few samples");
    }));

    private RunDirectory Sweep(bool finished)
    {
        var directory = new RunDirectory(_folder.Path);
        File.WriteAllText(directory.RecipeFile, RecipeText.Plain);
        File.WriteAllText(directory.SweepMarkerFile, "");
        if (finished)
        {
            File.WriteAllText(directory.SweepFile, "{}");
        }

        return directory;
    }
}
