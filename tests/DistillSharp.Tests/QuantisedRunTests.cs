using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Runs with students of eight-bit integers, and early exits in floats and integers.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class QuantisedRunTests : IDisposable
{
    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(", per_seed: true", 1)]
    [InlineData("", 0)]
    public void Quantise_TeacherASeedOrOneForAll_HasTheRowOfItsOwn(string perSeed, int teacher)
    {
        var text = $"{SmallRuns.Common}teacher: {{model: mlp, widths: [16]{perSeed}}}\nobjective: {{terms: [{{method: soft_target}}]}}\nseeds: [0, 1]\n";
        var (_, directory, _) = _runs.Run(text);
        using var trained = TrainedArm.Load(_runs.Read(text), directory, "soft_target", 1, null);

        var table = StudentQuantiser.Quantise(trained, _runs.File("again.int8.onnx"), samples: 50);

        Assert.Equal(["teacher", "student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Equal(Path.ChangeExtension(directory.WeightsFile("teacher", teacher), ".onnx"), table.Rows[0].File);
        Assert.Equal(JobResult.Load(directory.JobResultFile("teacher", teacher)).Metrics["nll"], table.Rows[0].Metrics["nll"], 1e-5);
        Assert.Null(table.WithoutTeacher);
    }

    [Fact]
    public void Run_QuantisedStudents_AreMeasuredAsFilesOfIntegers()
    {
        const string Text = """
            data: {dataset: digits, train_samples: 400}
            teacher: {model: small_cnn, channels: [16, 16]}
            student: {model: small_cnn, channels: [16, 16], quantise: int8}
            training: {epochs: 5, batch_size: 25, learning_rate: 0.1}
            evaluation: {latency: true}
            objective: {hard_labels: 0.5, terms: [{method: soft_target, temperature: 4}]}
            baselines: {plain: true}
            seeds: [0]
            """;
        var (_, directory, _) = _runs.Run(Text);
        var (teacher, student) = (JobResult.Load(directory.JobResultFile("teacher", 0)), JobResult.Load(directory.JobResultFile("soft_target", 0)));
        var file = Path.ChangeExtension(directory.WeightsFile("soft_target", 0), ".int8.onnx");
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(directory.Int8File));
        Assert.Equal(new FileInfo(file).Length, student.Metrics["bytes"]);
        Assert.True(student.Metrics["latency_ms"] > 0);
        Assert.InRange(student.Metrics["top1"], 0.5, 1);

        using var trained = TrainedArm.Load(_runs.Read(Text), directory, "soft_target", 0, null);
        var table = StudentQuantiser.Quantise(trained, _runs.File("again.int8.onnx"));
        Assert.Equal(["teacher", "student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Equal(student.Metrics["top1"], table.Rows[2].Metrics["top1"]);
        Assert.Equal(student.Metrics["nll"], table.Rows[2].Metrics["nll"], 1e-6);
        Assert.Equal(teacher.Metrics["top1"], table.Rows[0].Metrics["top1"]);
        Assert.InRange(table.Rows[2].Metrics["top1"] - table.Rows[1].Metrics["top1"], -0.04, 0.04);
        Assert.Equal(("soft_target", 0), StudentQuantiser.Exported(directory));

        // Looked at again, it is the file that was measured, and not the floats that learned to bear it.
        Assert.Equal(student.Metrics["errors"], trained.Evaluate(validation: false)["errors"]);
        Assert.Equal(student.Metrics["nll"], trained.Evaluate(validation: false)["nll"], 1e-9);
        Assert.Equal(student.Validation["nll"], trained.Evaluate(validation: true)["nll"], 1e-9);
        File.Delete(file);
        Assert.Contains(file, Assert.Throws<FileNotFoundException>(() => trained.Evaluate(validation: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_StudentOfFloatsBesideQuantisedOnes_IsTrainedAndMeasuredAsSuch()
    {
        const string Objective = "hard_labels: 0.5, terms: [{method: soft_target, temperature: 4}]";
        var (_, directory, _) = _runs.Run($$"""
            data: {dataset: digits, train_samples: 200}
            teacher: {model: mlp, widths: [16]}
            student: {model: small_cnn, channels: [8, 8], quantise: int8}
            training: {epochs: 1, batch_size: 25, learning_rate: 0.1}
            objectives:
              integers: { {{Objective}} }
              own_integers: {student: {model: small_cnn, channels: [8, 8], quantise: int8}, {{Objective}} }
              floats: {student: {model: small_cnn, channels: [8, 8]}, {{Objective}} }
            baselines: {plain: true}
            seeds: [0]
            """);

        bool OfIntegers(string arm) => File.Exists(Path.ChangeExtension(directory.WeightsFile(arm, 0), ".int8.onnx"));
        Assert.Equal([true, true, true, false], new[] { "plain", "integers", "own_integers", "floats" }.Select(OfIntegers));
        Assert.Equal(File.ReadAllBytes(directory.WeightsFile("integers", 0)).Length, File.ReadAllBytes(directory.WeightsFile("floats", 0)).Length);
        Assert.Equal(JobResult.Load(directory.JobResultFile("integers", 0)).Metrics["nll"], JobResult.Load(directory.JobResultFile("own_integers", 0)).Metrics["nll"]);
        Assert.NotEqual(JobResult.Load(directory.JobResultFile("integers", 0)).Metrics["nll"], JobResult.Load(directory.JobResultFile("floats", 0)).Metrics["nll"]);
        Assert.True(StudentQuantiser.ExportsIntegers(directory));
        File.AppendAllText(directory.RecipeFile, "export: {arm: floats}\n");
        Assert.False(StudentQuantiser.ExportsIntegers(directory));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_SelfDistillation_HeadsAreEarlyExitsOnlyWhereKept(bool keep)
    {
        var (_, directory, _) = _runs.Run(
            $$$"""
            data: {dataset: digits, train_samples: 100}
            student: {model: small_cnn, channels: [4, 4]}
            objective: {scheme: {scheme: self_distillation, heads: [layer1], keep_heads: {{{(keep ? "true" : "false")}}}}}
            training: {epochs: 1, batch_size: 50}
            evaluation: {latency: false}
            seeds: [0]
            """);

        using var session = new OnnxSession(directory.OnnxFile);
        Assert.Equal(keep ? ["logits", "exit_layer1"] : ["logits"], session.Outputs);

        using var trained = TrainedArm.Load(_runs.Read(File.ReadAllText(directory.RecipeFile)), directory, "self_distillation", 0, null);
        var path = _runs.File("deep.onnx");
        if (!keep)
        {
            Assert.Contains("keep_heads", Assert.Throws<InvalidOperationException>(() => EarlyExits.Write(trained, path)).Message, StringComparison.Ordinal);
            return;
        }

        var rows = EarlyExits.Write(trained, path);
        Assert.Equal(["exit_layer1", "logits"], rows.Select(row => row.Name));
        Assert.Equal(JobResult.Load(directory.JobResultFile("self_distillation", 0)).Metrics["top1"], rows[1].Metrics["top1"]);
        Assert.Equal(["Conv", "logits"], [OnnxGraph.Read(rows[0].File).Nodes[0].Type, Assert.Single(OnnxGraph.Read(rows[0].File).Outputs)]);
        Assert.True(OnnxGraph.Read(rows[0].File).Nodes.Count < OnnxGraph.Read(directory.OnnxFile).Nodes.Count);
        Assert.All(rows, row => Assert.True(ModelVerifier.Verify(row.File).Passed));
    }

    [Fact]
    public void Run_QuantisedStudentsWithEarlyExits_ExitsAreOfTheIntegersThatAreMeasured()
    {
        var (_, directory, _) = _runs.Run(
            """
            data: {dataset: digits, train_samples: 400}
            student: {model: small_cnn, channels: [16, 16], quantise: int8}
            objective: {scheme: {scheme: self_distillation, heads: [layer1], keep_heads: true}}
            training: {epochs: 5, batch_size: 25, learning_rate: 0.1}
            evaluation: {latency: false}
            seeds: [0]
            """);
        using var trained = TrainedArm.Load(_runs.Read(File.ReadAllText(directory.RecipeFile)), directory, "self_distillation", 0, null);
        var rows = EarlyExits.Write(trained, _runs.File("deep.onnx"));

        Assert.Equal(["exit_layer1", "logits"], rows.Select(row => row.Name));
        Assert.Equal(JobResult.Load(directory.JobResultFile("self_distillation", 0)).Metrics["top1"], rows[1].Metrics["top1"], 0.01);
        foreach (var row in rows)
        {
            var metadata = OnnxFile.Read(row.File).Metadata;
            Assert.Equal(row.Name, metadata[Provenance.Exit]);
            Assert.Contains(Provenance.Quantisation, metadata.Keys);
            Assert.Contains(OnnxGraph.Read(row.File).Nodes, node => node.Type == "QuantizeLinear");
            Assert.True(ModelVerifier.Verify(row.File).Passed);
        }

        // Quantised again after training, they are the same integers, beside the floats of each exit.
        var table = StudentQuantiser.Quantise(trained, _runs.File("again.int8.onnx"));
        Assert.Equal(["student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Null(table.WithoutTeacher);
        Assert.Equal(rows.Select(row => row.Name), table.Exits.Select(exit => exit.Name));
        Assert.Equal(["again.int8.exit_layer1.onnx", "again.int8.logits.onnx"], table.Exits.Select(exit => Path.GetFileName(exit.File)));
        foreach (var (exit, row) in table.Exits.Zip(rows))
        {
            Assert.Equal(row.Metrics["nll"], exit.Int8["nll"], 1e-6);
            Assert.InRange(exit.Int8["top1"] - exit.Float["top1"], -0.06, 0.06);
            Assert.Equal(new FileInfo(exit.File).Length, exit.Int8["bytes"]);
        }

        Assert.Empty(Directory.EnumerateFiles(_runs.Folder, "*.tmp"));
    }

    /// <summary>Heads that are dropped teach the network in floats; kept ones are exported with it, so that they learn to bear the rounding too.</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData(", quantise: int8", false)]
    public void Run_HeadsKeptOrDropped_TrainTheSameNetworkUnlessTheKeptAreRounded(string quantise, bool same)
    {
        var hashes = new[] { "true", "false" }.Select(keep =>
        {
            var (_, directory, _) = _runs.Run(
                $$$"""
                data: {dataset: digits, train_samples: 100}
                student: {model: small_cnn, channels: [4, 4]{{{quantise}}}}
                objective: {scheme: {scheme: self_distillation, heads: [layer1], keep_heads: {{{keep}}}}}
                training: {epochs: 1, batch_size: 50}
                evaluation: {latency: false}
                seeds: [0]
                """);
            using var weights = new SafetensorsFile(directory.WeightsFile("self_distillation", 0));
            return WeightsHash.Of(weights);
        }).ToList();
        Assert.Equal(same, hashes[0] == hashes[1]);
    }
}
