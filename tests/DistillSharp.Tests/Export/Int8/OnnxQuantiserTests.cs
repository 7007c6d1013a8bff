using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Export.Int8;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using DistillSharp.Tests.Vision.Models;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Export.Int8;

/// <summary>Networks of integers against those of floats, and against rounded numbers computed here.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class OnnxQuantiserTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Families => [.. ZooCase.All.Where(zoo => zoo.Value.Side <= 64).Select(zoo => zoo.Key)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(WeightBits.Reduced, 63)]
    [InlineData(WeightBits.Full, 127)]
    [InlineData(WeightBits.Unsigned, 127)]
    public void Quantise_OneLinearLayer_ComputesWhatRoundedNumbersDo(WeightBits weights, int largest)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(4);
        var data = SampleData.Vectors(5, 3);
        var network = new Mlp(new MlpOptions { Widths = [] }, data);
        if (weights == WeightBits.Full)
        {
            // Processors without VNNI add two neighbouring products in 16 bits. One of them is small here, so that the sum fits anywhere.
            using var frozen = no_grad();
            network.named_parameters().Single(entry => entry.parameter.dim() == 2).parameter.mul_(tensor(new[] { 1f, 0.0005f, 1f, 0.0005f, 1f }));
        }

        var samples = rand(40, 5) * 3 - 1;
        var (source, destination) = (_folder.File("float.onnx"), _folder.File("int8.onnx"));
        OnnxExporter.Export(network, data, source, samples);
        var result = OnnxQuantiser.Quantise(source, destination, [samples[..30], samples[30..]], new QuantisationOptions { Weights = weights });
        Assert.Equal((1, 0, 40), (result.Layers, result.FloatLayers, result.Samples));

        var weight = network.named_parameters().Single(entry => entry.parameter.dim() == 2).parameter;
        var bias = network.named_parameters().Single(entry => entry.parameter.dim() == 1).parameter;
        var (low, high) = (Math.Min(0, samples.min().item<float>()), Math.Max(0, samples.max().item<float>()));
        var scale = (high - low) / 255;
        var zero = Math.Round(-low / scale);
        using var session = new OnnxSession(destination);
        var actual = session.Run(samples)[0];
        for (var n = 0; n < 40; n++)
        {
            for (var c = 0; c < 3; c++)
            {
                var row = weight[c].data<float>().ToArray();
                var step = row.Max(Math.Abs) / largest;
                var sum = Math.Round(bias[c].item<float>() / (scale * step)) * scale * step;
                for (var i = 0; i < 5; i++)
                {
                    var input = (Math.Clamp(Math.Round(samples[n, i].item<float>() / scale) + zero, 0, 255) - zero) * scale;
                    sum += input * Math.Round(row[i] / step) * step;
                }

                Assert.Equal(sum, actual[n, c].item<float>(), 1e-4);
            }
        }
    }

    [Theory]
    [InlineData(RangeRule.MinMax, WeightBits.Reduced)]
    [InlineData(RangeRule.Percentile, WeightBits.Reduced)]
    [InlineData(RangeRule.Entropy, WeightBits.Reduced)]
    [InlineData(RangeRule.MinMax, WeightBits.Unsigned)]
    public void Quantise_TrainedNetwork_KeepsAccuracyInAQuarterOfTheSize(RangeRule calibration, WeightBits weights)
    {
        using var scope = NewDisposeScope();
        var digits = Trained.Value;
        var destination = _folder.File("int8.onnx");
        var source = _folder.File("float.onnx");
        File.WriteAllBytes(source, digits.Onnx);
        var result = OnnxQuantiser.Quantise(source, destination, digits.Calibration, new QuantisationOptions { Calibration = calibration, Weights = weights });
        var (before, after) = (Accuracy(source), Accuracy(destination));
        Assert.InRange(before, 0.9, 1);
        // Two of 308 test samples; where outliers are cut off five.
        Assert.InRange(after, before - (calibration == RangeRule.Entropy ? 0.0175 : 0.007), 1);
        Assert.InRange((double)result.Bytes / result.FloatBytes, 0, 0.3);
        Assert.Equal(new FileInfo(destination).Length, result.Bytes);
        Assert.True(ModelVerifier.Verify(destination).Passed);
        var metadata = OnnxFile.Read(destination).Metadata;
        Assert.Equal(OnnxFile.Read(source).ContentSha256, metadata[Provenance.FloatSha256]);
        Assert.Contains("\"per_channel\":true", metadata[Provenance.Quantisation], StringComparison.Ordinal);
        Assert.Equal(OnnxFile.Read(source).Metadata[Provenance.Classes], metadata[Provenance.Classes]);

        double Accuracy(string file)
        {
            using var session = new OnnxSession(file);
            var split = Evaluator.Logits(session, digits.Test);
            return ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics["top1"];
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Quantise_EveryFamily_StaysCloseAtAnyBatchSize(string name)
    {
        using var scope = NewDisposeScope();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        var samples = zoo.Samples(4);
        var (source, destination) = (_folder.File("float.onnx"), _folder.File("int8.onnx"));
        OnnxExporter.Export(network, zoo.Data, source, samples);
        var result = OnnxQuantiser.Quantise(source, destination, [samples]);
        Assert.True(result.Layers > 4, $"{result.Layers} layers");
        Assert.Equal(0, result.FloatLayers - AttentionProducts(source));
        using var before = new OnnxSession(source);
        using var after = new OnnxSession(destination);
        var (expected, actual) = (before.Run(samples)[0], after.Run(samples)[0]);
        // Random deep networks blow rounding up; a wrong scale or sign would leave nothing alike.
        var alike = nn.functional.cosine_similarity(expected.flatten() - expected.mean(), actual.flatten() - expected.mean(), dim: 0).item<float>();
        Assert.InRange(alike, 0.6, 1.0001);
        Assert.True(allclose(actual[..1], after.Run(samples[..1])[0], rtol: 1e-3, atol: 1e-3));
    }

    [Fact]
    public void Quantise_NetworkWithEarlyExits_RoundsEveryHead()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(4);
        var data = SampleData.Images(1, 8, 5);
        var network = new SmallCnn(new SmallCnnOptions { Channels = [8, 16] }, data);
        using var head = new AuxiliaryHead("layer1", [1, 8, 8, 8], 16, 5);
        var exit = new EarlyExit("exit_layer1", network.FindFeature("layer1"), head.CopyLayers());
        var samples = randn(16, 1, 8, 8);
        var (source, destination) = (_folder.File("float.onnx"), _folder.File("int8.onnx"));
        OnnxExporter.Export(network, data, source, samples, exits: [exit]);
        var result = OnnxQuantiser.Quantise(source, destination, [samples]);

        // Two convolutions and a linear layer, one of each in the head.
        Assert.Equal((5, 0), (result.Layers, result.FloatLayers));
        using var before = new OnnxSession(source);
        using var after = new OnnxSession(destination);
        Assert.Equal(["logits", "exit_layer1"], after.Outputs);
        foreach (var (expected, actual) in before.Run(samples).Zip(after.Run(samples)))
        {
            Assert.InRange((expected - actual).abs().max().item<float>(), 0, 0.1 * (expected.max() - expected.min()).item<float>());
        }

        var nodes = OnnxGraph.Read(destination).Nodes.Where(node => node.Type is "Conv" or "Gemm" or "MatMul").ToList();
        Assert.Equal(5, nodes.Count);
        Assert.All(nodes, node => Assert.EndsWith("/rounded", node.Inputs[0], StringComparison.Ordinal));
    }

    [Fact]
    public void Fold_ConvolutionsWithBatchNorm_LeaveWhatTheNetworkComputes()
    {
        using var scope = NewDisposeScope();
        var zoo = ZooCase.All["resnet of basic blocks"];
        var samples = zoo.Samples(3);
        var source = _folder.File("float.onnx");
        OnnxExporter.Export(zoo.Create(), zoo.Data, source, samples);
        var model = OnnxModel.Read(source);
        Assert.Equal(20, BatchNormFolding.Fold(model));
        Assert.DoesNotContain(model.Operations, operation => operation.Type == "BatchNormalization");
        using var before = new OnnxSession(source);
        using var after = new OnnxSession(model.ToArray(), _folder.Path);
        Assert.True(allclose(before.Run(samples)[0], after.Run(samples)[0], rtol: 1e-4, atol: 1e-4));
    }

    [Fact]
    public void Read_WhatTheExporterWrote_WritesTheSameNetwork()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(1, 8, 10);
        var network = new SmallCnn(new SmallCnnOptions(), data);
        var (source, copy) = (_folder.File("float.onnx"), _folder.File("copy.onnx"));
        var samples = randn(2, 1, 8, 8);
        OnnxExporter.Export(network, data, source, samples);
        var model = OnnxModel.Read(source);
        Assert.Equal(OnnxExporter.Opset, model.Opset);
        AtomicFile.Write(copy, model.CopyTo);
        Assert.True(ModelVerifier.Verify(copy).Passed);
        using var before = new OnnxSession(source);
        using var after = new OnnxSession(copy);
        Assert.True(before.Run(samples)[0].equal(after.Run(samples)[0]).all().item<bool>());
        Assert.Equal(before.Inputs, after.Inputs);
    }

    [Fact]
    public void Quantise_WhatCannotBe_SaysWhy()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Vectors(5, 3);
        var (source, destination) = (_folder.File("float.onnx"), _folder.File("int8.onnx"));
        var samples = randn(8, 5);
        OnnxExporter.Export(new Mlp(new MlpOptions { Widths = [4] }, data), data, source, samples);
        Assert.Contains("none were given", Assert.Throws<ArgumentException>(() => OnnxQuantiser.Quantise(source, destination, [])).Message);
        OnnxQuantiser.Quantise(source, destination, [samples]);
        Assert.Contains("quantised already", Assert.Throws<NotSupportedException>(() => OnnxQuantiser.Quantise(destination, source, [samples])).Message);
        File.WriteAllBytes(source, [7, 1, 2]);
        Assert.Throws<InvalidDataException>(() => OnnxQuantiser.Quantise(source, destination, [samples]));
    }

    [Fact]
    public void PercentileRange_KnownHistogram_CutsHalfOnEachSide()
    {
        var counts = Enumerable.Repeat(1.0, 100).ToArray();
        Assert.Equal((5f, 95f), ActivationRanges.PercentileRange(counts, 0, 100, 0.9));
        Assert.Equal((0f, 100f), ActivationRanges.PercentileRange(counts, 0, 100, 1));
    }

    [Fact]
    public void EntropyThreshold_RareOutliers_AreCutAndEvenValuesAreNot()
    {
        var even = Enumerable.Repeat(100.0, 2048).ToArray();
        Assert.InRange(ActivationRanges.EntropyThreshold(even, 1), 0.9, 1);
        var peaked = Enumerable.Range(0, 2048).Select(i => 1e6 * Math.Exp(-i / 100.0)).Select(Math.Floor).ToArray();
        peaked[^1] = 1;
        Assert.InRange(ActivationRanges.EntropyThreshold(peaked, 1), 0.1, 0.8);
    }

    [Fact]
    public void EntropyThreshold_ZerosOfARelu_CutNothing()
    {
        var counts = Enumerable.Repeat(100.0, 2048).ToArray();
        counts[0] = 1e6;
        Assert.InRange(ActivationRanges.EntropyThreshold(counts, 1), 0.9, 1);
    }

    // Products of two activations have no weights to store.
    private static int AttentionProducts(string file) => OnnxGraph.Read(file).Nodes.Count(node => node.Type == "MatMul");

    private static readonly Lazy<(byte[] Onnx, IReadOnlyList<Tensor> Calibration, Loader Test)> Trained = new(() =>
    {
        using var folder = new TemporaryFolder();
        var digits = Digits.Load();
        var splits = DataSplits.Create(digits.Train, digits.Test, validation: 0.1, seed: 0);
        random.manual_seed(0);
        using var network = new SmallCnn(new SmallCnnOptions { Channels = [32, 32, 64, 64] }, Digits.Info);
        var school = new Distiller(splits.Train, splits.Validation);
        school.Train(network, new TrainingOptions { Epochs = 4, LearningRate = 0.1 });
        var options = new LoaderOptions { BatchSize = 128, Normalise = school.Normalisation };
        var batches = new List<Tensor>();
        foreach (var batch in new Loader(splits.Train, options).Epoch(0).Take(3))
        {
            using (batch)
            {
                batches.Add(batch.Input.clone().DetachFromDisposeScope());
            }
        }

        var path = folder.File("float.onnx");
        OnnxExporter.Export(network, Digits.Info, path, batches[0]);
        return (File.ReadAllBytes(path), batches, new Loader(splits.Test, options));
    });
}
