using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using DistillSharp.Vision.Models;
using DistillSharp.Vision.Models.Transformers;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Export;

public sealed class OnnxExporterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. ModelCatalog.Default().Entries.Select(entry => entry.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Export_EveryCatalogModel_ComputesWhatTheNetworkDoes(string name)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var entry = ModelCatalog.Default().Find(name)!;
        var data = SampleData.Images(1, 8, 10);
        var network = (SingleInputNetwork)entry.Create(Activator.CreateInstance(entry.OptionsType)!, data);
        RandomStatistics.Fill(network);
        network.train();
        var path = _folder.File("model.onnx");
        var samples = randn(7, 1, 8, 8);

        var parity = OnnxExporter.Export(network, data, path, samples);

        Assert.Equal(7, parity.Samples);
        Assert.InRange(parity.LargestDifference, 0, 1e-2);
        Assert.True(network.training);
        // The check itself is checked: outputs compared here by hand, at batch 7 and at batch 1.
        network.eval();
        using var noGradient = no_grad();
        using var session = new OnnxSession(path);
        Assert.Equal([-1, 1, 8, 8], session.Inputs["input"]);
        Assert.Equal(["logits"], session.Outputs);
        Assert.True(allclose(network.forward(samples), session.Run(samples)[0], rtol: 1e-3, atol: 1e-4));
        var one = samples.narrow(0, 4, 1);
        Assert.True(allclose(network.forward(one), session.Run(one)[0], rtol: 1e-3, atol: 1e-4));
    }

    [Fact]
    public void Export_Metadata_HoldsPreprocessingClassesAndHashes()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Vectors(6, 3);
        var network = new Mlp(new MlpOptions { Widths = [5] }, data);
        var path = _folder.File("model.onnx");
        OnnxExporter.Export(network, data, path, randn(2, 6), new Dictionary<string, string> { [Provenance.Mean] = "[0.5]", [Provenance.Seed] = "7" });

        using var session = new OnnxSession(path);
        Assert.Equal("[0.5]", session.Metadata[Provenance.Mean]);
        Assert.Equal("7", session.Metadata[Provenance.Seed]);
        Assert.Equal("""["class 0","class 1","class 2"]""", session.Metadata[Provenance.Classes]);
        Assert.Equal("[6]", session.Metadata[Provenance.InputShape]);
        Assert.Equal(WeightsHash.Of(network), session.Metadata[Provenance.WeightsSha256]);
        var file = OnnxFile.Read(path);
        Assert.Equal(OnnxExporter.FormatVersion, file.FormatVersion);
        Assert.Equal(session.Metadata, file.Metadata.ToDictionary());
    }

    [Fact]
    public void Export_DescriptionThatLies_FailsAndKeepsTheOldFile()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Vectors(4, 3);
        var path = _folder.File("model.onnx");
        File.WriteAllText(path, "old");

        var error = Assert.Throws<ParityException>(() => OnnxExporter.Export(new Liar(), data, path, randn(3, 4), sampleIds: [101, 102, 103]));

        Assert.Contains("sample 101, output `logits` [0]", error.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["model.onnx"], _folder.Files);
    }

    [Fact]
    public void Export_WrongOrNoSamples_SaysSo()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Vectors(4, 3);
        var network = new Mlp(new MlpOptions { Widths = [] }, data);
        Assert.Contains("[3, 5]", Assert.Throws<ArgumentException>(() => OnnxExporter.Export(network, data, _folder.File("model.onnx"), randn(3, 5))).Message);
        Assert.Contains("none were given", Assert.Throws<ArgumentException>(() => OnnxExporter.Export(network, data, _folder.File("model.onnx"), randn(0, 4))).Message);
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void Export_LayerUsedTwice_HasItsWeightsOnce()
    {
        using var scope = NewDisposeScope();
        var path = _folder.File("twice.onnx");
        Assert.Equal(3, OnnxExporter.Export(new Twice(), SampleData.Vectors(64, 64), path, randn(3, 64)).Samples);
        Assert.InRange(new FileInfo(path).Length, 64 * 64 * 4, 64 * 64 * 6);
    }

    [Fact]
    public void CheckSize_WeightsBeyondTheFormat_AreRefusedWithTheirSize()
    {
        using var scope = NewDisposeScope();
        // 24 blocks are those of vit_l_16, 1.22 GB.
        OnnxExporter.CheckSize(Large(24));
        var error = Assert.Throws<NotSupportedException>(() => OnnxExporter.CheckSize(Large(40)));
        Assert.Contains("vit has 2.02 GB of weights, and one ONNX file holds at most 1.90 GB", error.Message, StringComparison.Ordinal);

        static Network Large(int depth) => VisionModels.CreateWithoutValues(
            new ModelSpec(VisionTransformer.Family.Entry, new VisionTransformerOptions { Width = 1024, Depth = depth, Heads = 16, MlpWidth = 4096 }), SampleData.Images(3, 224, 1000));
    }

    [Fact]
    public void Export_NotANumber_Fails()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Vectors(4, 3);
        var network = new Mlp(new MlpOptions { Widths = [] }, data);
        using (no_grad())
        {
            network.state_dict()["fc.bias"].fill_(double.NaN);
        }

        Assert.Throws<ParityException>(() => OnnxExporter.Export(network, data, _folder.File("model.onnx"), randn(3, 4)));
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void Export_UnknownModule_IsNamedWithItsPath()
    {
        using var scope = NewDisposeScope();
        var network = new Chain([16], ("body", nn.Sequential(("0", nn.Linear(4, 4)), ("1", nn.SELU()))));
        var error = Assert.Throws<NotSupportedException>(() => OnnxExporter.Export(network, SampleData.Vectors(4, 4), _folder.File("model.onnx"), randn(3, 4)));
        Assert.Contains("`body.1` (SELU)", error.Message);
    }

    [Fact]
    public void Export_OddLayers_ComputesWhatTheNetworkDoes()
    {
        using var scope = NewDisposeScope();
        var network = new Chain(
            [2, 13, 11],
            ("dilated", nn.Conv2d(2, 4, (3L, 2L), stride: (2, 1), padding: (1L, 0L), dilation: (1L, 2L))),
            ("grouped", nn.Conv2d(4, 8, 3, padding: 1, groups: 2, bias: false)),
            ("bn", nn.BatchNorm2d(8, eps: 1e-2)),
            ("max", nn.MaxPool2d(3, stride: 2, padding: 1)),
            ("same", nn.Conv2d(8, 6, 2, padding: Padding.Same)),
            ("mean", nn.AvgPool2d(2, stride: 1, padding: 1, count_include_pad: false)),
            ("drop", nn.Dropout2d(0.5)),
            ("identity", nn.Identity()),
            ("shortcut", new Shortcut(3, 9)),
            ("flatten", nn.Flatten()),
            ("bn1", nn.BatchNorm1d(18)),
            ("fc", nn.Linear(18, 5, hasBias: false)));
        RandomStatistics.Fill(network);
        var parity = OnnxExporter.Export(network, new DatasetInfo("odd", [2, 13, 11], []), _folder.File("model.onnx"), randn(5, 2, 13, 11));
        Assert.Equal(5, parity.Samples);
    }

    [Fact]
    public void Export_EarlyExits_BecomeFurtherOutputs()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(1, 8, 10);
        var network = new CifarResNet(new CifarResNetOptions { Depth = 8 }, data);
        RandomStatistics.Fill(network);
        EarlyExit[] exits =
        [
            new("exit1", network.FindFeature("layer1"), [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]),
            new("exit2", network.FindFeature("layer2.preact"), [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]),
        ];
        var path = _folder.File("exits.onnx");
        var samples = randn(3, 1, 8, 8);
        OnnxExporter.Export(network, data, path, samples, exits: exits);

        using var session = new OnnxSession(path);
        Assert.Equal(["logits", "exit1", "exit2"], session.Outputs);
        exits[1] = exits[1] with { Layers = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), exits[1].Layers[3]] };
        var error = Assert.Throws<ParityException>(() => ParityCheck.Compare(network, path, samples, exits));
        Assert.Contains("output `exit2`", error.Message);
    }

    [Fact]
    public void MedianMilliseconds_SmallNetwork_IsPlausible()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(1, 8, 10);
        var path = _folder.File("model.onnx");
        OnnxExporter.Export(new SmallCnn(new SmallCnnOptions(), data), data, path, randn(2, 1, 8, 8));
        Assert.InRange(OnnxLatency.MedianMilliseconds(path, runs: 100, warmUps: 10), 1e-4, 100);
    }

    /// <summary>Says that it computes one linear layer and computes another.</summary>
    private sealed class Liar : SingleInputNetwork
    {
        private readonly TorchSharp.Modules.Linear fc = nn.Linear(4, 3);

        public Liar()
            : base("liar") => RegisterComponents();

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

        public override Tensor forward(Tensor input) => fc.call(input) + 1e-2;

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Module(fc, input, nameof(fc));
    }

    private sealed class Twice : SingleInputNetwork
    {
        private readonly TorchSharp.Modules.Linear fc = nn.Linear(64, 64);

        public Twice()
            : base("twice") => RegisterComponents();

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

        public override Tensor forward(Tensor input) => fc.call(fc.call(input));

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Module(fc, graph.Module(fc, input, nameof(fc)), nameof(fc));
    }

    private sealed class Chain : LayeredNetwork
    {
        public Chain(long[] shape, params (string Name, nn.Module<Tensor, Tensor> Layer)[] layers)
            : base($"chain{shape.Length}")
        {
            foreach (var (name, layer) in layers)
            {
                Append(name, layer);
            }
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];
    }

    /// <summary>"Option A" beside itself, and averages.</summary>
    private sealed class Shortcut(int stride, int channels) : nn.Module<Tensor, Tensor>("shortcut"), INetworkGraph
    {
        public override Tensor forward(Tensor input)
        {
            var sampled = input[TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(step: stride), TensorIndex.Slice(step: stride)];
            var before = (channels - input.shape[1]) / 2;
            var padded = nn.functional.pad(sampled, [0, 0, 0, 0, before, channels - input.shape[1] - before]);
            return cat([padded, nn.functional.relu(padded + padded)], 1).mean([2, 3]);
        }

        public GraphValue Describe(IGraphBuilder graph, GraphValue input)
        {
            var padded = graph.PadShortcut(input, stride, channels);
            return graph.GlobalAveragePool(graph.Concat([padded, graph.Relu(graph.Add(padded, padded))]));
        }
    }
}
