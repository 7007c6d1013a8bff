using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Export;

/// <summary>Operations between modules and activations: what the file computes, and what is refused.</summary>
public sealed class GraphOperationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Activations => ["relu6", "hardswish", "hardsigmoid", "gelu", "softmax", "layer_norm"];

    public void Dispose() => _folder.Dispose();

    /// <summary>Values far outside of ±3 and of 0…6, where the pieces of these functions meet.</summary>
    [Theory]
    [MemberData(nameof(Activations))]
    public void Export_Activation_ComputesWhatTheModuleDoes(string name)
    {
        using var scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> layer = name switch
        {
            "relu6" => nn.ReLU6(),
            "hardswish" => nn.Hardswish(),
            "hardsigmoid" => nn.Hardsigmoid(),
            "gelu" => nn.GELU(),
            "softmax" => nn.Softmax(-1),
            _ => nn.LayerNorm(9, eps: 1e-2),
        };
        var samples = linspace(-12, 12, 5 * 9).view(5, 9);
        Assert.Equal(5, Export(samples, new Chain(("layer", layer))).Samples);
    }

    [Fact]
    public void Export_LinearOverPositions_ComputesWhatTheModuleDoes()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(4, Export(randn(4, 3, 5, 7), new Chain(("fc", nn.Linear(7, 6)), ("bare", nn.Linear(6, 2, hasBias: false)), ("flatten", nn.Flatten()))).Samples);
    }

    [Theory]
    [InlineData(6, 4)]
    [InlineData(3, 2)]
    [InlineData(1, 1)]
    public void Export_AdaptivePoolingToMultiples_ComputesWhatTheModuleDoes(int height, int width)
    {
        using var scope = NewDisposeScope();
        var size = height == 1 ? (5L, 5L) : (3L, 2L);
        Assert.Equal(3, Export(randn(3, 2, height, width), new Chain(("pool", nn.AdaptiveAvgPool2d(size)), ("flatten", nn.Flatten()))).Samples);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(5, 9)]
    [InlineData(10, 10)]
    [InlineData(14, 3)]
    public void Export_AdaptivePoolingToOthers_ComputesWhatTheModuleDoes(int height, int width)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(3, Export(randn(3, 2, height, width), new Chain(("pool", nn.AdaptiveAvgPool2d(7)), ("flatten", nn.Flatten()))).Samples);
    }

    [Fact]
    public void Export_AdaptivePoolingToOtherSides_IsFreeAndMayBeRepeated()
    {
        using var scope = NewDisposeScope();
        var network = new Chain(
            ("first", nn.AdaptiveAvgPool2d((3L, 4L))), ("second", nn.AdaptiveAvgPool2d((5L, 6L))), ("third", nn.AdaptiveAvgPool2d((3L, 4L))), ("flatten", nn.Flatten()), ("fc", nn.Linear(24, 2)));
        Assert.Equal(3, Export(randn(3, 2, 5, 6), network).Samples);
        Assert.Equal(24 * 2, MacCounter.Count(network, new DatasetInfo("sample", [2, 5, 6], [])));
    }

    [Fact]
    public void Describe_ShapesThatDoNotFit_AreNamed()
    {
        using var scope = NewDisposeScope();
        string Refused(Func<IGraphBuilder, GraphValue, GraphValue> describe) =>
            Assert.Throws<NotSupportedException>(() => MacCounter.Count(new Custom(describe), new DatasetInfo("sample", [3, 4], []))).Message;
        Assert.Contains("[1, 3, 4] and [1, 4, 3]", Refused((graph, input) => graph.Add(input, graph.Transpose(input, 0, 2, 1))));
        Assert.Contains("[1, 3, 4] and [1, 4, 3]", Refused((graph, input) => graph.Multiply(input, graph.Transpose(input, 0, 2, 1))));
        Assert.Contains("[1, 3, 4] and [1, 3, 4]", Refused((graph, input) => graph.MatMul(input, input)));
        Assert.Contains("batch axis", Refused((graph, input) => graph.Transpose(input, 1, 0, 2)));
        Assert.Contains("`token` of shape [2, 4]", Refused((graph, input) => graph.Parameter(zeros(2, 4), "token")));
        Assert.Contains("[…, 5]", Refused((graph, input) => graph.Linear(input, zeros(2, 5), null, "weight", "bias")));
    }

    [Fact]
    public void Count_ProductOfMatrices_IsRowsTimesColumnsTimesLength()
    {
        var network = new Custom((graph, input) => graph.MatMul(input, graph.Transpose(input, 0, 2, 1)));
        Assert.Equal(3 * 3 * 4, MacCounter.Count(network, new DatasetInfo("sample", [3, 4], [])));
    }

    private ParityResult Export(Tensor samples, Chain network) =>
        OnnxExporter.Export(network, new DatasetInfo("sample", [.. samples.shape.Skip(1)], []), _folder.File("model.onnx"), samples);

    private sealed class Chain : LayeredNetwork
    {
        public Chain(params (string Name, nn.Module<Tensor, Tensor> Layer)[] layers)
            : base("chain")
        {
            foreach (var (name, layer) in layers)
            {
                Append(name, layer);
            }
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];
    }

    private sealed class Custom(Func<IGraphBuilder, GraphValue, GraphValue> describe) : INetworkGraph
    {
        public GraphValue Describe(IGraphBuilder graph, GraphValue input) => describe(graph, input);
    }
}
