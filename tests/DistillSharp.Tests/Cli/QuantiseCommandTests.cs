using System.Text.Json;
using DistillSharp.Cli;
using DistillSharp.Cli.Commands;
using DistillSharp.Export.Int8;
using DistillSharp.Runs;
using DistillSharp.Tests.Recipes;

namespace DistillSharp.Tests.Cli;

/// <summary>Where the integers of a run go, and that those which it measured stay.</summary>
public sealed class QuantiseCommandTests : IDisposable
{
    private const string Text =
        """
        data: {dataset: digits, train_samples: 200}
        student: {model: small_cnn, channels: [8, 8], quantise: int8}
        objective: {scheme: {scheme: self_distillation, heads: [layer1]}}
        baselines: {plain: true}
        training: {epochs: 2, batch_size: 25, learning_rate: 0.1}
        evaluation: {latency: false}
        seeds: [0]
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Quantise_RunOfIntegers_LeavesWhatTheRunMeasured()
    {
        var directory = new RunDirectory(_folder.File("run"));
        var run = DistillProcess.Run("run", _folder.Write("recipe.yaml", Text), "--output", directory.Path, "--quiet", "--skip-doctor");
        Assert.True(run.ExitCode == ExitCode.Fine, run.Error);
        Assert.Contains("student.int8.onnx", run.Output, StringComparison.Ordinal);
        var measured = File.ReadAllBytes(directory.Int8File);

        var evaluated = DistillProcess.Run("evaluate", directory.Path, "--json");
        Assert.True(evaluated.ExitCode == ExitCode.Fine, evaluated.Error);
        using var metrics = JsonDocument.Parse(evaluated.Output);
        var job = JobResult.Load(directory.JobResultFile("self_distillation", 0));
        Assert.Equal(job.Metrics["nll"], metrics.RootElement.GetProperty("metrics").GetProperty("nll").GetDouble(), 1e-9);

        var quantised = DistillProcess.Run("quantise", directory.Path, "--calibration", "entropy", "--weights", "full", "--samples", "64", "--json");
        Assert.True(quantised.ExitCode == ExitCode.Fine, quantised.Error);
        using var table = JsonDocument.Parse(quantised.Output);
        var options = table.RootElement.GetProperty("options");
        Assert.Equal(("entropy", "full"), (options.GetProperty("calibration").GetString(), options.GetProperty("weights").GetString()));
        var file = Path.Combine(directory.Path, "student.self_distillation-seed-0.int8.onnx");
        Assert.True(File.Exists(file));
        Assert.Contains("\"calibration\": \"entropy\"", File.ReadAllText(file + ".json"), StringComparison.Ordinal);
        Assert.Equal(measured, File.ReadAllBytes(directory.Int8File));
    }

    [Theory]
    [InlineData("", "soft_target", 1, "student.int8.onnx")]
    [InlineData("", "soft_target", 0, "student.soft_target-seed-0.int8.onnx")]
    [InlineData("", "plain", 1, "student.plain-seed-1.int8.onnx")]
    [InlineData(", quantise: int8", "soft_target", 1, "student.soft_target-seed-1.int8.onnx")]
    public void DefaultOutput_ArmAndSeed_IsTheStudentOnlyWhereTheRunExportedItsFloats(string quantise, string arm, int seed, string expected)
    {
        var directory = new RunDirectory(_folder.Path);
        File.WriteAllText(directory.RecipeFile, RecipeText.Plain.Replace("channels: [4, 4]", "channels: [4, 4]" + quantise, StringComparison.Ordinal));

        Assert.Equal(Path.Combine(directory.Path, expected), QuantiseCommand.DefaultOutput(directory, arm, seed, ("soft_target", 1)));
        Assert.NotEqual(directory.Int8File, QuantiseCommand.DefaultOutput(directory, arm, seed, null));
    }

    [Fact]
    public void Lines_FigureThatIsNotThere_IsADash()
    {
        var measured = new Dictionary<string, double> { ["top1"] = 0.5, ["nll"] = 1, ["ece"] = 0.1, ["bytes"] = 4000, ["latency_ms"] = 0.25 };
        var kept = measured.Where(entry => entry.Key != "latency_ms").ToDictionary();
        var table = new QuantisedTable(
            "soft_target",
            0,
            new QuantisationOptions(),
            new QuantisationResult(2, 0, 3, 64, 1000, 4000),
            [new("teacher", "metrics.json", kept), new("student", "student.onnx", measured), new("int8", "student.int8.onnx", measured)]);

        Assert.Equal(6, QuantiseCommand.Lines(table).Count());
        Assert.Equal("latency_ms           –      0.2500      0.2500", QuantiseCommand.Lines(table).Last());
        Assert.Equal("there is none", QuantiseCommand.Lines(table with { WithoutTeacher = "there is none" }).Last());
    }

    [Fact]
    public void Quantise_OutputInAFolderThatIsNotThere_IsRefusedBeforeAnyWork()
    {
        File.WriteAllText(_folder.File("recipe.yaml"), RecipeText.Plain);

        var result = DistillProcess.Run("quantise", _folder.Path, "--output", _folder.File("absent/student.onnx"));

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains($"there is no folder {_folder.File("absent")}", result.Error, StringComparison.Ordinal);
    }
}
