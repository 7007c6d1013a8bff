using DistillSharp.Export.Onnx;

namespace DistillSharp.Tests.Export;

/// <summary>Graphs of files that exporters do not write.</summary>
public sealed class OnnxGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(1000, false)]
    public void Read_GraphsInEachOther_AreReadToADepth(int depth, bool isRead)
    {
        var file = _folder.Write("nested.onnx", new ProtobufWriter().Message(7, Graph(depth)).ToArray());
        if (isRead)
        {
            Assert.Equal("If", Assert.Single(OnnxGraph.Read(file).Nodes).Type);
            return;
        }

        var error = Assert.Throws<InvalidDataException>(() => OnnxGraph.Read(file));
        Assert.Contains("graphs in each other more than 64 deep", error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LogitsOf_IdentitiesInACircle_IsTheOutputItself()
    {
        var graph = new OnnxGraph([new("Identity", ["b"], ["a"]), new("Identity", ["a"], ["b"])], [], ["a"]);
        Assert.Equal("a", graph.LogitsOf("a"));
    }

    [Theory]
    [InlineData("Identity")]
    [InlineData("Softmax")]
    public void LogitsOf_OperationWithoutInputs_IsTheOutputItself(string operation) =>
        Assert.Equal("a", new OnnxGraph([new(operation, [], ["a"])], [], ["a"]).LogitsOf("a"));

    [Fact]
    public void LogitsOf_SoftmaxBehindIdentities_IsItsInput()
    {
        var graph = new OnnxGraph([new("Softmax", ["z"], ["p"]), new("Identity", ["p"], ["q"]), new("Identity", ["q"], ["r"])], [], ["r"]);
        Assert.Equal("z", graph.LogitsOf("r"));
        Assert.Equal("z", graph.LogitsOf("p"));
    }

    // A branch within a branch within …, so many graphs below the first.
    private static ProtobufWriter Graph(int below)
    {
        var graph = new ProtobufWriter().Message(1, new ProtobufWriter().Text(4, "If"));
        for (var i = 0; i < below; i++)
        {
            var branch = new ProtobufWriter().Text(1, "then_branch").Message(6, graph);
            graph = new ProtobufWriter().Message(1, new ProtobufWriter().Text(4, "If").Message(5, branch));
        }

        return graph;
    }
}
