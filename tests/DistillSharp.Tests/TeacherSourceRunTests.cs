using System.Globalization;
using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Tests.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests;

/// <summary>Whole runs whose teacher is a file or an endpoint, beside the run with the network that it was made of.</summary>
[Collection(nameof(ChainRuns))]
public sealed class TeacherSourceRunTests : IDisposable
{
    private const string Common =
        """
        data: {dataset: digits, train_samples: 100, augment: {shift: 1}}
        student: {model: mlp, widths: [8]}
        training: {epochs: 2, batch_size: 50}
        evaluation: {latency: false}
        baselines: {plain: false}
        seeds: [0]

        """;

    private const string SoftTarget = "objective: {hard_labels: 0.5, terms: [{method: soft_target, temperature: 3}]}\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_FilesAndEndpointOfATrainedTeacher_TeachTheSameStudentAsTheNetwork()
    {
        var session = TrainTeacher();
        using var server = new LogitsServer((_, body) => (200, Logits(session, body)));
        var live = Student("teacher: {model: mlp, widths: [16], weights: teacher.safetensors}\n");
        foreach (var teacher in new[]
        {
            "teacher: {onnx: elsewhere/teacher.onnx}\n",
            "teacher: {torchscript: teacher.pt, layout: flat}\n",
            "teacher: {model: mlp, widths: [16], weights: teacher.safetensors, classes: [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", nine], class_map: {nine: \"9\"}}\n",
            "teacher: {model: mlp, widths: [16], weights: teacher.safetensors, missing_classes: refuse, engine: onnxruntime}\n",
            $"teacher: {{endpoint: \"{server.Address}\"}}\n",
        })
        {
            AssertSame(live, Student(teacher));
        }

        session.Dispose();
    }

    [Theory]
    [InlineData("mean_logits")]
    [InlineData("confidence_weighted")]
    public void Run_EnsembleOfEveryKind_IsOneTeacher(string combine)
    {
        using var session = TrainTeacher();
        using var server = new LogitsServer((_, body) => (200, Logits(session, body)));
        var live = Student("teacher: {model: mlp, widths: [16], weights: teacher.safetensors}\n");
        var teachers = $$$"""
            teachers:
              network: {model: mlp, widths: [16], weights: teacher.safetensors}
              file: {onnx: elsewhere/teacher.onnx}
              script: {torchscript: teacher.pt, layout: flat, classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "nine"], class_map: {nine: "9"}}
              server: {endpoint: "{{{server.Address}}}"}
              combine: {{{combine}}}
              temperature: 3

            """;
        AssertSame(live, Student(teachers));
    }

    [Fact]
    public void Run_TensorsOfAFile_AreFeaturesAsTheNetworksOwn()
    {
        TrainTeacher().Dispose();
        var tensor = OnnxGraph.Read(_folder.File("elsewhere/teacher.onnx")).Nodes.First(node => node.Type == "Relu").Outputs[0];
        var live = Student("teacher: {model: mlp, widths: [16], weights: teacher.safetensors}\nobjective: {terms: [{method: similarity, student: hidden1, teacher: hidden1}]}\n", "");
        AssertSame(live, Student($"teacher: {{onnx: elsewhere/teacher.onnx}}\nobjective: {{terms: [{{method: similarity, student: hidden1, teacher: {tensor}}}]}}\n", ""));
        AssertSame(live, Student("teacher: {torchscript: teacher.pt, layout: flat}\nobjective: {terms: [{method: similarity, student: hidden1, teacher: hidden}]}\n", ""));
    }

    [Fact]
    public void Run_TeacherWithoutAClass_TeachesTheOthers()
    {
        TrainTeacher().Dispose();
        const string Teacher = "teacher: {torchscript: teacher.pt, layout: flat, classes: [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", nine], missing_classes: leave_out}\n";
        var (directory, results) = Run(Teacher + SoftTarget);
        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0));
        Assert.Contains("no output for 9:", Assert.Single(teacher.Notes), StringComparison.Ordinal);
        Assert.DoesNotContain(9, teacher.Predictions);
        Assert.True(double.IsFinite(teacher.Metrics["nll"]));
        Assert.Contains(results.Arms, arm => arm.Name == "soft_target");
    }

    [Fact]
    public void Run_LogitsThatAreNotFinite_EndsWithTheSamples()
    {
        TrainTeacher().Dispose();
        OnnxFiles.Append(_folder.File("elsewhere/teacher.onnx"), "Sqrt", "logits", "roots");
        var error = Assert.Throws<InvalidDataException>(() => Run("teacher: {onnx: elsewhere/teacher.onnx, output: roots}\n" + SoftTarget));
        Assert.Matches(@"teacher\.onnx gives logits that are not finite numbers for the samples \d+, \d+", error.Message);
    }

    [Theory]
    [InlineData("Teleport", "ONNX Runtime cannot load")]
    [InlineData("Det", "cannot be run on samples of shape [1, 8, 8]: ")]
    public void Run_OperatorThatIsUnknownOrDoesNotFit_EndsWithAMessage(string operation, string message)
    {
        TrainTeacher().Dispose();
        OnnxFiles.Append(_folder.File("elsewhere/teacher.onnx"), operation, "logits", "made");
        var error = Assert.ThrowsAny<Exception>(() => Run("teacher: {onnx: elsewhere/teacher.onnx, output: made}\n" + SoftTarget));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, "{\"logits\": [[1, 2, 3]]}", "gives 1 rows of logits for 64 samples")]
    [InlineData(0, "", "does not answer within 0.1 s; tried 2 times")]
    [InlineData(500, "no memory", "answers 500 Internal Server Error: no memory; tried 2 times")]
    [InlineData(200, null, "gives 9 outputs and the data has 10 classes")]
    public void Run_EndpointThatFails_EndsWithAMessage(int status, string? answer, string message)
    {
        var nine = $"{{\"logits\": [{string.Join(", ", Enumerable.Repeat("[1, 2, 3, 4, 5, 6, 7, 8, 9]", 64))}]}}";
        using var server = new LogitsServer((_, _) => (status, answer ?? nine));
        var error = Assert.ThrowsAny<Exception>(() => Run(
            $"teacher: {{endpoint: \"{server.Address}\", timeout: {(status == 0 ? 0.1 : 30).ToString(CultureInfo.InvariantCulture)}, retries: 1, backoff: 0.01}}\n" + SoftTarget, "evaluation.batch_size=64"));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_FileForImagesOfAnotherSize_SaysBothOrResizes()
    {
        Directory.CreateDirectory(_folder.File("elsewhere"));
        var data = new DatasetInfo("digits", [3, 12, 12], [.. Enumerable.Range(0, 10).Select(label => $"{label}")]);
        using (var network = ModelCatalog.Default().Find("small_cnn")!.Create(new SmallCnnOptions { Channels = [4, 4] }, data))
        {
            OnnxFiles.Write(network, data, _folder.File("elsewhere/large.onnx"));
        }

        var error = Assert.Throws<ArgumentException>(() => Run("teacher: {onnx: elsewhere/large.onnx}\n" + SoftTarget));
        Assert.Contains("has shape [any, 3, 12, 12]; the data gives [", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(Run("teacher: {onnx: elsewhere/large.onnx, size: 12, colour: rgb}\n" + SoftTarget).Results.Arms);
    }

    [Fact]
    public void Run_NetworkOfOtherClassesAndSamples_IsAdapted()
    {
        var own = new DatasetInfo("elsewhere", [3, 12, 12], ["nine", "other", "0", "1"]);
        using (var network = ModelCatalog.Default().Find("small_cnn")!.Create(new SmallCnnOptions { Channels = [4, 4] }, own))
        {
            Safetensors.Write(_folder.File("small.safetensors"), network);
        }

        const string Teacher = "teacher: {model: small_cnn, channels: [4, 4], weights: small.safetensors, classes: [nine, other, \"0\", \"1\"], class_map: {nine: \"9\"}, size: 12, colour: rgb MISSING}\n";
        var (directory, _) = Run(Teacher.Replace(" MISSING", ", missing_classes: leave_out", StringComparison.Ordinal) + "objective: {terms: [{method: similarity, student: hidden1, teacher: layer2}]}\n");
        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0));
        Assert.All(teacher.Predictions, predicted => Assert.Contains(predicted, new[] { 0, 1, 9 }));
        Assert.Contains("no output for 2, 3, 4, 5, 6, 7, 8:", Assert.Single(teacher.Notes), StringComparison.Ordinal);
        Assert.Contains("no output for the classes", Assert.ThrowsAny<Exception>(() => Run(Teacher.Replace(" MISSING", "", StringComparison.Ordinal) + SoftTarget)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_UnlabelledSamples_ReachTheDistilledStudentAlone()
    {
        TrainTeacher().Dispose();
        const string Text = "teacher: {onnx: elsewhere/teacher.onnx}\n" + SoftTarget;
        var (without, _) = Run(Text, "baselines.plain=true");
        var (with, results) = Run(Text, "baselines.plain=true", "data.unlabelled=rest");

        Assert.Equal(ChainRuns.Hash(without.WeightsFile("plain", 0)), ChainRuns.Hash(with.WeightsFile("plain", 0)));
        Assert.NotEqual(ChainRuns.Hash(without.WeightsFile("soft_target", 0)), ChainRuns.Hash(with.WeightsFile("soft_target", 0)));
        var (labelled, all) = (int.Parse(results.Data["train_samples"], CultureInfo.InvariantCulture), int.Parse(results.Data["samples_with_unlabelled"], CultureInfo.InvariantCulture));
        Assert.Equal(100, labelled);
        var steps = JobResult.Load(with.JobResultFile("soft_target", 0)).Steps;
        Assert.Equal(2 * ((all + 49) / 50), steps);
        Assert.Equal(4, JobResult.Load(with.JobResultFile("plain", 0)).Steps);
        Assert.Equal(JobResult.Load(without.JobResultFile("teacher", 0)).Metrics["top1"], JobResult.Load(with.JobResultFile("teacher", 0)).Metrics["top1"]);
    }

    [Theory]
    [InlineData("dkd")]
    [InlineData("nkd")]
    [InlineData("weighted_soft_labels")]
    [InlineData("crd, student: penultimate, teacher: penultimate, negatives: 8, negatives_from: other_classes")]
    public void Run_UnlabelledSamples_MethodsThatReadLabelsTrain(string method)
    {
        TrainTeacher().Dispose();
        var (directory, _) = Run(
            $"teacher: {{model: mlp, widths: [16], weights: teacher.safetensors}}\nobjective: {{name: arm, terms: [{{method: {method}}}]}}\n", "data.unlabelled=rest", "training.batch_size=8", "training.epochs=1", "data.train_samples=40");
        Assert.True(JobResult.Load(directory.JobResultFile("arm", 0)).Steps > 100);
    }

    [Fact]
    public void Run_UnlabelledSamplesFromAStore_TeachTheSameStudent()
    {
        TrainTeacher().Dispose();
        string[] overrides = ["data.unlabelled=rest", "data.augment={}", "training.cache_teacher=false"];
        var (live, _) = Run("teacher: {onnx: elsewhere/teacher.onnx}\n" + SoftTarget, overrides);
        var (stored, _) = Run("teacher: {onnx: elsewhere/teacher.onnx, store: {path: outputs, precision: float32}}\n" + SoftTarget, overrides);
        AssertSame(live, stored);
        Assert.NotEmpty(Directory.GetFiles(_folder.File("outputs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Run_NetworkOfAPlugin_TeachesFromItsWeights()
    {
        TrainTeacher().Dispose();
        var live = Student("teacher: {model: mlp, widths: [16], weights: teacher.safetensors}\n");
        var catalogs = Catalogs.Default();
        catalogs.Models.Add(new ModelEntry(
            "own", "An MLP under another name.", "none", typeof(NamedModelOptions), _ => ["hidden1"], (_, data) => new Mlp(new MlpOptions { Widths = [16] }, data)));
        var recipe = RecipeReader.Read(Common + "teacher: {model: own, weights: teacher.safetensors}\n" + SoftTarget, "sources", _folder.Path, ["export={onnx: false}"], catalogs).Recipe;
        var directory = new RunDirectory(_folder.File("plugin"));
        Experiment.Prepare(recipe, directory);
        new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);
        AssertSame(live, directory);
    }

    [Fact]
    public void Quantise_TeacherThatIsAnOnnxFile_IsMeasuredAsTheRunDid()
    {
        TrainTeacher().Dispose();
        var file = _folder.File("elsewhere/teacher.onnx");
        // Its outputs are said to be in another order than the data's.
        var (directory, _) = Run("teacher: {onnx: elsewhere/teacher.onnx, classes: [\"1\", \"0\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]}\n" + SoftTarget);
        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0));

        var table = Quantise(directory);

        Assert.Equal(["teacher", "student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Equal(file, table.Rows[0].File);
        Assert.Equal(teacher.Metrics["top1"], table.Rows[0].Metrics["top1"]);
        Assert.Equal(teacher.Metrics["nll"], table.Rows[0].Metrics["nll"], 1e-6);
        Assert.Equal(new FileInfo(file).Length, table.Rows[0].Metrics["bytes"]);
        Assert.True(table.Rows[0].Metrics["latency_ms"] > 0);

        // Four samples at a time are no latency of one.
        OnnxFiles.FixBatch(file, 4);
        var fixedRow = Quantise(directory).Rows[0];
        Assert.Equal(teacher.Metrics["top1"], fixedRow.Metrics["top1"]);
        Assert.DoesNotContain("latency_ms", fixedRow.Metrics.Keys);
    }

    [Fact]
    public void Quantise_TeacherThatIsAnotherFile_HasTheRowThatTheRunKept()
    {
        TrainTeacher().Dispose();
        // A link has the bytes of what it leads to.
        File.Move(_folder.File("teacher.pt"), _folder.File("elsewhere/teacher.pt"));
        File.CreateSymbolicLink(_folder.File("teacher.pt"), _folder.File("elsewhere/teacher.pt"));
        var (directory, _) = Run("teacher: {torchscript: teacher.pt, layout: flat}\n" + SoftTarget);
        var kept = directory.JobResultFile("teacher", 0);

        var row = Quantise(directory).Rows[0];

        Assert.Equal(("teacher", kept), (row.Name, row.File));
        Assert.Equal(JobResult.Load(kept).Metrics["nll"], row.Metrics["nll"]);
        Assert.Equal(new FileInfo(_folder.File("elsewhere/teacher.pt")).Length, row.Metrics["bytes"]);
        Assert.DoesNotContain("latency_ms", row.Metrics.Keys);
    }

    // A teacher trained on the digits, as safetensors and TorchScript beside the recipes and as ONNX in another folder.
    private OnnxSession TrainTeacher()
    {
        var (directory, _) = Run("teacher: {model: mlp, widths: [16]}\n" + SoftTarget, "export={}");
        File.Copy(directory.WeightsFile("teacher", 0), _folder.File("teacher.safetensors"));
        Directory.CreateDirectory(_folder.File("elsewhere"));
        File.Copy(Path.ChangeExtension(directory.WeightsFile("teacher", 0), ".onnx"), _folder.File("elsewhere/teacher.onnx"));
        using var scope = NewDisposeScope();
        using var network = ModelCatalog.Default().Find("mlp")!.Create(new MlpOptions { Widths = [16] }, Digits.Info);
        Safetensors.LoadInto(network, _folder.File("teacher.safetensors"));
        TorchScriptFiles.Write(_folder.File("teacher.pt"), network, "{\"hidden\": hidden, \"logits\": logits}", "Dict[str, Tensor]");
        return new OnnxSession(_folder.File("elsewhere/teacher.onnx"));
    }

    private static QuantisedTable Quantise(RunDirectory directory)
    {
        var recipe = RecipeReader.Read(File.ReadAllText(directory.RecipeFile), "sources", directory.RecipeFolder).Recipe;
        using var trained = TrainedArm.Load(recipe, directory, null, null, null);
        return StudentQuantiser.Quantise(trained, Path.Combine(directory.Path, "again.int8.onnx"), samples: 50);
    }

    private RunDirectory Student(string teacher, string objective = SoftTarget) => Run(teacher + objective).Directory;

    private (RunDirectory Directory, RunResults Results) Run(string text, params string[] overrides)
    {
        var recipe = RecipeReader.Read(Common + text, "sources", _folder.Path, ["export={onnx: false}", .. overrides]).Recipe;
        var directory = new RunDirectory(_folder.File(Guid.NewGuid().ToString("N")));
        Experiment.Prepare(recipe, directory);
        return (directory, new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken));
    }

    private static void AssertSame(RunDirectory expected, RunDirectory actual)
    {
        using var scope = NewDisposeScope();
        using var left = new SafetensorsFile(expected.StudentFile);
        using var right = new SafetensorsFile(actual.StudentFile);
        Assert.All(left.Entries, entry => Assert.True(left.Read(entry.Name).allclose(right.Read(entry.Name), 1e-4, 1e-4), entry.Name));
        Assert.NotEmpty(left.Entries);
    }

    private static string Logits(OnnxSession session, string body)
    {
        using var scope = NewDisposeScope();
        var samples = JsonDocument.Parse(body).RootElement.GetProperty("inputs");
        var values = samples.EnumerateArray().SelectMany(sample => sample.EnumerateArray()).SelectMany(plane => plane.EnumerateArray()).SelectMany(row => row.EnumerateArray()).Select(value => value.GetSingle()).ToArray();
        var logits = session.Run(tensor(values, [samples.GetArrayLength(), 1, 8, 8]))[0].data<float>().ToArray();
        return $"{{\"logits\": {JsonSerializer.Serialize(logits.Chunk(10))}}}";
    }
}
