using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>Every network of image recognition that recipes can name, at its full size and without values, so that none is too large to be looked at.</summary>
public sealed class CatalogNetworkTests
{
    public static TheoryData<string> Names =>
    [
        .. Catalogs.Default().Models.Entries
            .Where(entry => entry.OptionsType == typeof(NamedModelOptions) || entry.OptionsType.Namespace!.StartsWith("DistillSharp.Vision.Models", StringComparison.Ordinal))
            .Select(entry => entry.Name),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void Describe_EveryNetwork_IsAGraphOfAllItsWeights(string name)
    {
        using var scope = NewDisposeScope();
        var (spec, data) = Sample(name);
        using var network = VisionModelFigures.WithoutValues(spec, data);
        var input = new GraphValue(OnnxExporter.InputName, [1, .. data.InputShape]);

        var operations = new Operations();
        var output = network.Describe(operations, input);
        Assert.Equal([1L, (long)data.Classes.Count], output.Shape);
        var known = new HashSet<string>(StringComparer.Ordinal) { input.Name };
        foreach (var operation in operations.All)
        {
            Assert.All(operation.Inputs, value => Assert.Contains(value.Name, known));
            Assert.True(known.Add(operation.Output.Name), operation.Output.Name);
        }

        var weights = network.state_dict().Where(entry => entry.Value.dtype == ScalarType.Float32).ToDictionary(entry => entry.Key, entry => entry.Value.numel());
        var read = operations.All.SelectMany(operation => operation.Constants).Where(constant => constant.Weights is not null).Select(constant => constant.Name).Where(weights.ContainsKey).Distinct();
        Assert.Equal(weights.Keys.Order(StringComparer.Ordinal), read.Order(StringComparer.Ordinal));

        // The file as it would be written, weights and little else.
        var builder = new OnnxGraphBuilder();
        builder.Output(network.Describe(builder, input), OnnxExporter.OutputName);
        var bytes = weights.Values.Sum() * sizeof(float);
        Assert.InRange(builder.Build(name, input).Length, bytes, bytes + 1_000_000);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void FaultOf_ImagesOfOtherSizes_IsWhatBuildingSays(string name)
    {
        using var scope = NewDisposeScope();
        var (spec, _) = Sample(name);
        foreach (var data in new[] { SampleData.Images(1, 4, 10), SampleData.Images(3, 100, 10) })
        {
            var said = spec.FaultOf(data)?.Message;
            var thrown = Record.Exception(() => VisionModelFigures.WithoutValues(spec, data).Dispose());
            Assert.Equal(said, thrown?.Message);
            Assert.True(thrown is null or ArgumentException, thrown?.ToString());
        }
    }

    private static (ModelSpec Spec, DatasetInfo Data) Sample(string name)
    {
        var entry = Catalogs.Default().Models.Find(name)!;
        var data = entry.Summary.Contains("ImageNet", StringComparison.Ordinal) ? SampleData.Images(3, 224, 1000) : SampleData.Images(3, 32, 100);
        return (new ModelSpec(entry, Activator.CreateInstance(entry.OptionsType)!), data);
    }

    private sealed class Operations : ModuleWalker
    {
        public List<GraphOperation> All { get; } = [];

        protected override void Visit(GraphOperation operation) => All.Add(operation);
    }
}
