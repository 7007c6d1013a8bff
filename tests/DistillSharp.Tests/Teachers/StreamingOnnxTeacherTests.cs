using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A file that is called chunk by chunk and remembers.</summary>
public sealed class StreamingOnnxTeacherTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StreamingOnnxTeacherTests()
    {
        // p = sigmoid(n · sum of all that was read so far), where each call reads one old value and two new ones.
        var graph = new OnnxWriter();
        var values = graph.Input("input", OnnxWriter.Float, "batch", 3L);
        var total = graph.Input("total", OnnxWriter.Float, "batch", 1L);
        var factor = graph.Add("Cast", [graph.Input("n", OnnxWriter.Int64)], null, ("to", 1L));
        var next = graph.Add("Add", [total, graph.Add("ReduceSum", [values, graph.Numbers(1)])]);
        graph.Output(graph.Add("Sigmoid", [graph.Add("Mul", [next, factor])]), "output", OnnxWriter.Float, "batch", 1L);
        graph.Output(next, "next", OnnxWriter.Float, "batch", 1L);
        OnnxExporter.Write(_folder.File("sums.onnx"), graph.Build("sums"), new Dictionary<string, string>());
    }

    private StreamingOnnxTeacherOptions Options => new()
    {
        OnnxStream = _folder.File("sums.onnx"),
        Chunk = 2,
        Context = 1,
        States = new Dictionary<string, string> { ["total"] = "next" },
        Constants = new Dictionary<string, int> { ["n"] = 2 },
        Probability = true,
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_TwoStreams_CarriesStateAndContextAndGivesLogOdds()
    {
        using var scope = NewDisposeScope();
        using var batch = Batch.Of(tensor([0.1f, 0.2f, 0.3f, -0.5f, 1, 0, 0, 2], [2, 4]), null, [0, 1]);
        using var source = new StreamingOnnxTeacher(Options).Open([]);

        var logits = source.Read(batch).Logits.Value;

        Assert.Equal([2L, 2, 2], logits.shape);
        // First chunk: 0, then its own two. Second: the last value again, then two more.
        double[] expected = [0, 2 * 0.3, 0, 2 * (0.3 + 0.2 + 0.3 - 0.5), 0, 2 * 1, 0, 2 * (1 + 0 + 2)];
        Assert.Equal(expected, logits.data<float>().ToArray().Select(value => (double)value), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void Read_NoWholeNumberOfChunks_SaysSo()
    {
        using var batch = Batch.Of(zeros(1, 5), null, [0]);
        using var source = new StreamingOnnxTeacher(Options).Open([]);
        Assert.Contains("no whole number of chunks", Assert.Throws<ArgumentException>(() => source.Read(batch)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fingerprint_WeightsInAnotherFile_CountToo()
    {
        OnnxFiles.KeepWeightsIn(_folder.File("sums.onnx"), _folder.File("apart.onnx"), "weights.bin");
        _folder.Write("weights.bin", "before");
        var options = Options with { OnnxStream = _folder.File("apart.onnx") };
        var before = new StreamingOnnxTeacher(options).Fingerprint();
        _folder.Write("weights.bin", "after");
        Assert.NotEqual(before, new StreamingOnnxTeacher(options).Fingerprint());
    }

    [Fact]
    public void CheckSource_NamesThatAreNotThere_SaysWhich()
    {
        Assert.Contains("no output `totals`", Fault(Options with { States = new Dictionary<string, string> { ["total"] = "totals" } }), StringComparison.Ordinal);
        Assert.Contains("no input `samples`", Fault(Options with { Input = "samples" }), StringComparison.Ordinal);
        Assert.Contains("input `n` is given", Fault(Options with { Constants = new Dictionary<string, int>() }), StringComparison.Ordinal);
        Assert.Contains("no features", Assert.Throws<ArgumentException>(() => new StreamingOnnxTeacher(Options).Open(["next"])).Message, StringComparison.Ordinal);

        static string Fault(StreamingOnnxTeacherOptions options) => Assert.Throws<ArgumentException>(options.CheckSource).Message;
    }
}
