using System.Text.Json;
using DistillSharp.Cli;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Tests.Recipes;

namespace DistillSharp.Tests.Cli;

public class CommandLineTests
{
    [Fact]
    public void Distill_Help_IsTheApprovedText()
    {
        var result = DistillProcess.Run("--help");

        Assert.Equal(ExitCode.Fine, result.ExitCode);
        Assert.Equal(Approved("help.txt"), Trimmed(result.Output));
        Assert.Empty(result.Error);
    }

    [Fact]
    public void Run_Help_IsTheApprovedText() => Assert.Equal(Approved("run-help.txt"), Trimmed(DistillProcess.Run("run", "--help").Output));

    [Fact]
    public void Check_RecipeWithFaults_ListsThemOnStandardErrorAndExits2()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("faulty.yaml");
        File.WriteAllText(path, RecipeText.Plain.Replace("digits", "digitz", StringComparison.Ordinal) + "sedes: [1]\n");

        var result = DistillProcess.Run("check", path);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Equal(
            $"""
            distill: there are 2 faults:
              line 6: sedes: unknown key; did you mean `seeds`? {NearestName.Hint("sedes", RecipeReader.TopKeys)["did you mean `seeds`? ".Length..]}
              line 1: data.dataset = digitz: unknown dataset; did you mean `digits`? {NearestName.Hint("digitz", Catalogs.Default().Datasets.Entries.Select(entry => entry.Name))["did you mean `digits`? ".Length..]}

            """,
            result.Error);
    }

    [Fact]
    public void DataVerify_DamagedImages_AreNamedAndExit1()
    {
        using var folder = new TemporaryFolder();
        Vision.Images.ImageMaker.Classes(folder.File("images/train"), 2, 2);
        Vision.Images.ImageMaker.Classes(folder.File("images/test"), 2, 1);
        var recipe = folder.Write("recipe.yaml", $"data: {{dataset: image_folder, folder: {folder.File("images")}, size: 8}}\nteacher: {{model: mlp, widths: [8]}}\nstudent: {{model: mlp, widths: [4]}}\nobjective: {{terms: [{{method: soft_target}}]}}\n");
        var fine = DistillProcess.Run("data", "verify", recipe);
        Assert.Equal(ExitCode.Fine, fine.ExitCode);
        Assert.Contains("4 training and 2 test samples of 2 classes", fine.Output, StringComparison.Ordinal);

        File.WriteAllText(folder.File("images/train/n01/n01_0.JPEG"), "torn");
        var damaged = DistillProcess.Run("data", "verify", recipe);
        Assert.Equal(ExitCode.Failed, damaged.ExitCode);
        Assert.Contains("n01_0.JPEG: no image", damaged.Output, StringComparison.Ordinal);
        Assert.Contains("1 image cannot be read", damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_RecipeWithFaults_JsonHoldsThem()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("faulty.yaml");
        File.WriteAllText(path, RecipeText.Plain + "sedes: [1]\n");

        var result = DistillProcess.Run("check", path, "--json");

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        var fault = Assert.Single(JsonDocument.Parse(result.Output).RootElement.GetProperty("errors").EnumerateArray());
        Assert.Equal("sedes", fault.GetProperty("path").GetString());
        Assert.Equal(6, fault.GetProperty("line").GetInt32());
    }

    [Fact]
    public void Check_OverrideWithAFault_HasNoLineInJson()
    {
        var result = DistillProcess.Run("check", "recipes/quickstart.yaml", "--set", "threads=0", "--json");

        var fault = Assert.Single(JsonDocument.Parse(result.Output).RootElement.GetProperty("errors").EnumerateArray());
        Assert.Equal("threads", fault.GetProperty("path").GetString());
        Assert.Equal(0, fault.GetProperty("line").GetInt32());
        Assert.True(fault.GetProperty("overridden").GetBoolean());
    }

    [Fact]
    public void Layers_Recipe_ListsPointsWithShapesAndPairs()
    {
        var text = DistillProcess.Run("layers", "recipes/quickstart.yaml", "--set", "student={model: small_cnn, channels: [4, 6]}").Output;
        var json = DistillProcess.Run("layers", "recipes/quickstart.yaml", "--set", "student={model: small_cnn, channels: [4, 6]}", "--json").Output;

        Assert.Contains("student: [layer2], teacher: [layer2]", text, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(json);
        var second = document.RootElement.GetProperty("student").EnumerateArray().Single(layer => layer.GetProperty("name").GetString() == "layer2");
        Assert.Equal([6, 8, 8], second.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()));
    }

    [Fact]
    public void New_ThenCheck_AcceptsTheStarterWithoutLoadingTorch()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("starter.yaml");

        Assert.Equal(ExitCode.Fine, DistillProcess.Run("new", path).ExitCode);
        Assert.Equal(ExitCode.Usage, DistillProcess.Run("new", path).ExitCode);
        var check = DistillProcess.RunWith(new() { ["LD_DEBUG"] = "files" }, null, "check", path);

        Assert.Equal(ExitCode.Fine, check.ExitCode);
        Assert.Contains("starter: fine. 10 jobs", check.Output, StringComparison.Ordinal);
        // The C library's loader names every library it opens.
        Assert.Contains("libcoreclr", check.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("libtorch", check.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExitCode.Usage, "Unrecognized command or argument", "frobnicate")]
    [InlineData(ExitCode.Usage, "--sed", "run", "recipes/quickstart.yaml", "--sed", "1")]
    [InlineData(ExitCode.Usage, "there is no such file", "run", "absent.yaml")]
    [InlineData(ExitCode.Usage, "is there already and not a run", "run", "recipes/quickstart.yaml", "--output", "docs")]
    [InlineData(ExitCode.Usage, "is not a run directory", "resume", "docs")]
    [InlineData(ExitCode.Usage, "absent is not a store of teacher outputs", "store", "info", "absent")]
    [InlineData(ExitCode.Usage, "docs is not a store of teacher outputs", "store", "verify", "docs")]
    [InlineData(ExitCode.Usage, "the recipe has no store to fill", "teach", "recipes/quickstart.yaml")]
    [InlineData(ExitCode.Usage, "there is no folder", "new", "absent/starter.yaml")]
    [InlineData(ExitCode.Usage, "  --set threads = 0: must be", "run", "recipes/quickstart.yaml", "--threads", "0")]
    [InlineData(ExitCode.Usage, "  --set device = tpu: unknown", "run", "recipes/quickstart.yaml", "--device", "tpu")]
    [InlineData(ExitCode.Usage, "  --set sweep.space.training.learning_rate = 0.3..0.1: must have", "sweep", "recipes/quickstart.yaml", "--try", "training.learning_rate=0.3..0.1")]
    [InlineData(ExitCode.Failed, "no sound safetensors file", "verify", "DistillSharp.slnx")]
    public void Distill_Mistake_SaysWhatIsWrongWithoutStackTrace(int exitCode, string message, params string[] arguments)
    {
        var result = DistillProcess.Run(arguments);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void Run_SigtermThenResume_SavesExits130AndFinishes()
    {
        using var folder = new TemporaryFolder();
        var recipe = folder.File("small.yaml");
        var run = folder.File("run");
        File.WriteAllText(recipe, RecipeText.Plain + "seeds: [0, 1]\nevaluation: {latency: false}\n");

        var interrupted = DistillProcess.RunWith([], terminateAt: "teacher/seed-0 epoch", "run", recipe, "--output", run);

        Assert.Equal(ExitCode.Interrupted, interrupted.ExitCode);
        Assert.Contains("what was done is saved", interrupted.Error, StringComparison.Ordinal);
        // Where the teacher is done when the signal comes, there is a table already, of what there is.
        Assert.False(new RunDirectory(run).IsFinished);
        Assert.Contains("unfinished run", DistillProcess.Run("run", recipe, "--output", run).Error, StringComparison.Ordinal);

        var resumed = DistillProcess.Run("resume", run, "--json");

        Assert.True(resumed.ExitCode == ExitCode.Fine, resumed.Error);
        var lines = resumed.Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal("run_started", lines[0].GetProperty("kind").GetString());
        Assert.Equal("results", lines[^1].GetProperty("kind").GetString());
        Assert.All(["results.json", "report.html", "student.safetensors", "student.onnx"], file => Assert.True(File.Exists(Path.Combine(run, file)), file));
        Assert.Contains("holds a finished run", DistillProcess.Run("run", recipe, "--output", run).Error, StringComparison.Ordinal);
    }

    private static string Approved(string name) => Trimmed(File.ReadAllText(Repository.File("tests", "DistillSharp.Tests", "Cli", "Approved", name)));

    // The parser's help ends lines with spaces, which editors remove.
    private static string Trimmed(string text) => string.Join('\n', text.ReplaceLineEndings("\n").TrimEnd().Split('\n').Select(line => line.TrimEnd()));
}
