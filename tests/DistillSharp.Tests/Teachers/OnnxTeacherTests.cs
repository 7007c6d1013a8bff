using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Tests.Training;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A file as teacher says what the network says that it was written from.</summary>
public sealed class OnnxTeacherTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("teacher.onnx");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_LogitsAndInnerTensors_AreThoseOfTheLiveNetwork()
    {
        using var scope = NewDisposeScope();
        using var network = OnnxFiles.Cnn(Path);
        network.eval();
        using var batch = Images(5);
        using var live = new SignalReader(network, ["layer1", "layer2", "penultimate"]);
        var expected = live.Read(batch);

        // Tensors of a file have names of their own: find those of the live features by shape, and have all read at once.
        var teacher = Adapted(new OnnxTeacherOptions { Onnx = Path });
        var names = teacher.Features(batch);
        using var source = teacher.Open(names);
        var signals = source.Read(batch);
        Assert.True(Close(expected.Logits.Value, signals.Logits.Value));
        Assert.All(expected.Features.Values, feature => Assert.Contains(
            signals.Features.Values, tensor => tensor.Value.shape.SequenceEqual(feature.Value.shape) && Close(tensor.Value, feature.Value)));
        Assert.Equal(["logits"], OnnxGraph.Read(Path).Outputs);
        Assert.Null(teacher.Network);
        Assert.Equal(new LiveTeacher(network).Open([]).Probe(batch).Logits, source.Probe(batch).Logits);
    }

    [Theory]
    [InlineData("Softmax")]
    [InlineData("LogSoftmax")]
    public void Read_OutputIsASoftmax_GivesItsInput(string operation)
    {
        using var scope = NewDisposeScope();
        using var network = OnnxFiles.Mlp(Path);
        OnnxFiles.Append(Path, operation, "logits", "soft", ("axis", -1));
        OnnxFiles.Append(Path, "Identity", "soft", "answer");
        using var batch = Vectors(4);
        using var source = Adapted(new OnnxTeacherOptions { Onnx = Path, Output = "answer" }).Open(["soft"]);

        var signals = source.Read(batch);
        Assert.True(Close(network.Logits(batch), signals.Logits.Value));
        var expected = operation == "Softmax" ? network.Logits(batch).softmax(-1) : network.Logits(batch).log_softmax(-1);
        Assert.True(Close(expected, signals.Features["soft"].Value));
    }

    [Fact]
    public void Read_FileWithNormalisationOfItsOwn_SeesInputsAsItWasTrainedOn()
    {
        using var scope = NewDisposeScope();
        using var network = new TrainingCase().Mlp(4, 6);
        var texts = new Dictionary<string, string> { [Provenance.Mean] = "[0.25]", [Provenance.Deviation] = "[0.5]" };
        OnnxFiles.Write(network, new DatasetInfo("samples", [4], ["0", "1", "2"]), Path, texts);
        var raw = rand(3, 4);
        using var given = Batch.Of((raw - 2) / 4, null, [0, 1, 2]);
        var data = new Normalisation([2f], [4f]);

        using var fromFile = Adapted(new OnnxTeacherOptions { Onnx = Path }, data).Open([]);
        Assert.True(Close(network.forward((raw - 0.25) / 0.5), fromFile.Read(given).Logits.Value));
        using var fromRecipe = Adapted(new OnnxTeacherOptions { Onnx = Path, Mean = [1], Deviation = [3] }, data).Open([]);
        Assert.True(Close(network.forward((raw - 1) / 3), fromRecipe.Read(given).Logits.Value));
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 5)]
    [InlineData(4, 3)]
    public void Read_FileOfAFixedBatchSize_GetsSlices(int size, int rows)
    {
        using var scope = NewDisposeScope();
        using var network = OnnxFiles.Mlp(Path);
        OnnxFiles.FixBatch(Path, size);
        using var batch = Vectors(rows);
        using var source = Adapted(new OnnxTeacherOptions { Onnx = Path }).Open([]);

        Assert.True(Close(network.Logits(batch), source.Read(batch).Logits.Value));
    }

    [Fact]
    public void Read_SamplesOfAnotherShape_SaysBoth()
    {
        using var scope = NewDisposeScope();
        OnnxFiles.Cnn(Path).Dispose();
        using var source = Adapted(new OnnxTeacherOptions { Onnx = Path }).Open([]);
        using var batch = Vectors(2);
        var error = Assert.Throws<ArgumentException>(() => source.Read(batch));
        Assert.Contains("has shape [any, 1, 4, 4]; the data gives [2, 4]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LogitsThatAreNotFinite_NamesTheSamples()
    {
        using var scope = NewDisposeScope();
        OnnxFiles.Mlp(Path).Dispose();
        OnnxFiles.Append(Path, "Sqrt", "logits", "roots");
        using var source = Adapted(new OnnxTeacherOptions { Onnx = Path, Output = "roots" }).Open([]);
        using var batch = Batch.Of(-rand(2, 4) * 100, null, [17, 23]);
        Assert.Contains("samples 17, 23", Assert.Throws<InvalidDataException>(() => source.Read(batch)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OperatorThatIsNotKnown_NamesTheFile()
    {
        OnnxFiles.Mlp(Path).Dispose();
        OnnxFiles.Append(Path, "Teleport", "logits", "elsewhere");
        var error = Assert.Throws<InvalidDataException>(() => Adapted(new OnnxTeacherOptions { Onnx = Path, Output = "elsewhere" }).Open([]));
        Assert.Contains(Path, error.Message, StringComparison.Ordinal);
        Assert.Contains("Teleport", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TensorThatIsNotThere_NamesTheNearest()
    {
        OnnxFiles.Mlp(Path).Dispose();
        var error = Assert.Throws<ArgumentException>(() => Adapted(new OnnxTeacherOptions { Onnx = Path }).Open(["logit"]));
        Assert.Contains("did you mean `logits`?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TensorOfWholeNumbers_IsRefused()
    {
        OnnxFiles.Mlp(Path).Dispose();
        OnnxFiles.Append(Path, "Shape", "logits", "shape");
        var teacher = Adapted(new OnnxTeacherOptions { Onnx = Path });
        using var batch = Vectors(1);
        Assert.DoesNotContain("shape", teacher.Features(batch));
        Assert.Contains("does not hold float32", Assert.Throws<ArgumentException>(() => teacher.Open(["shape"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_FileTeacher_GivesTheLossOfTheLiveOne()
    {
        using var scope = NewDisposeScope();
        using var network = OnnxFiles.Mlp(Path);
        using var student = new TrainingCase().Mlp(4, 3);
        using var batch = Vectors(6, labels: true);
        var source = new Loader(TrainingCase.Samples(12, [4]), new LoaderOptions { BatchSize = 6 });
        var stage = TrainingCase.Stage(new TrainingOptions(), TrainingCase.SoftTargetTerm());
        var losses = new List<double>();
        foreach (var teacher in new Teacher[] { new LiveTeacher(network), Adapted(new OnnxTeacherOptions { Onnx = Path }) })
        {
            using var task = new OfflineTask(student, teacher, stage, batch, source);
            losses.Add(task.Compute(batch, new Config.Progress(0, 1)).Single(part => part.Name == "soft_target").Term.Mean.item<float>());
        }

        Assert.True(losses[0] > 0);
        Assert.Equal(losses[0], losses[1], 1e-5);
    }

    [Fact]
    public void Fingerprint_FileChanges_IsAnother()
    {
        OnnxFiles.Mlp(Path).Dispose();
        var teacher = Adapted(new OnnxTeacherOptions { Onnx = Path });
        var before = teacher.Fingerprint();
        OnnxFiles.Append(Path, "Identity", "logits", "again");
        Assert.NotEqual(before, teacher.Fingerprint());
    }

    private static Teacher Adapted(OnnxTeacherOptions options, Normalisation? given = null) => options.Open(new DatasetInfo("samples", [4], []), given);

    private static bool Close(Tensor left, Tensor right) => left.allclose(right, 1e-4, 1e-5);

    private static Batch Images(int count) => Batch.Of(rand(count, 1, 4, 4), null, [.. Enumerable.Range(0, count).Select(id => (long)id)]);

    private static Batch Vectors(int count, bool labels = false) => Batch.Of(
        rand(count, 4), labels ? zeros(count, ScalarType.Int64) : null, [.. Enumerable.Range(0, count).Select(id => (long)id)]);
}
