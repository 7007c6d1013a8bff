using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>What every network of image recognition must do.</summary>
public sealed class VisionModelConformanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. ZooCase.All.Keys];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Features_EveryPoint_FireOnceAndAreNotChangedAfterwards(string name)
    {
        using var scope = NewDisposeScope();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        network.train();
        var names = network.FeaturePoints.Select(point => point.Name).ToList();
        Assert.Equal(zoo.Spec.Entry.FeatureNames(zoo.Options), names);
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Equal("logits", names[^1]);
        Assert.Contains("stem", names);
        Assert.Contains("penultimate", names);
        var copies = new Dictionary<string, Tensor>();
        using var reader = new SignalReader(network, names);
        foreach (var point in network.FeaturePoints)
        {
            var module = (Module<Tensor, Tensor>)network.named_modules().Single(entry => entry.name == point.ModulePath).module;
            if (point.Side == FeatureSide.Input)
            {
                module.register_forward_pre_hook((_, input) => Copy(copies, point.Name, input));
            }
            else
            {
                module.register_forward_hook((_, _, output) => Copy(copies, point.Name, output));
            }
        }

        var signals = reader.Read(Batch.Of(zoo.Samples(3), null, [0, 1, 2]));

        Assert.Equal([3L, ZooCase.Classes], signals.Logits.Value.shape);
        Assert.All(names, point => Assert.True(signals.Features[point].Value.equal(copies[point]).all().item<bool>(), point));
        Assert.True(signals.Features["logits"].Value.equal(signals.Logits.Value).all().item<bool>());
        Assert.Equal(2, signals.Features["penultimate"].Value.shape.Length);
        copies.Values.ToList().ForEach(copy => copy.Dispose());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Features_PreActivation_ReluOfItIsTheFeature(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        network.eval();
        using var reader = new SignalReader(network, network.FeaturePoints.Select(point => point.Name));
        var features = reader.Read(Batch.Of(zoo.Samples(2), null, [0, 1])).Features;
        foreach (var (before, value) in features.Where(feature => feature.Key.EndsWith(".preact", StringComparison.Ordinal)))
        {
            Assert.True(value.Value.min().item<float>() < 0, before);
            // A network that normalises before it convolves publishes the sum of its branches as the feature.
            if (zoo.Model != "wide_resnet")
            {
                Assert.True(functional.relu(value.Value).equal(features[before[..^7]].Value).all().item<bool>(), before);
            }
        }

        if (network.ClassifierPath is { } path)
        {
            var classifier = (Linear)network.named_modules().Single(entry => entry.name == path).module;
            Assert.True(allclose(functional.linear(features["penultimate"].Value, classifier.weight!, classifier.bias), features["logits"].Value, rtol: 1e-4, atol: 1e-5));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Forward_InEitherMode_LeavesTheLogitsAlone(string name)
    {
        using var outer = NewDisposeScope();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        var samples = zoo.Samples(3);
        foreach (var training in new[] { false, true })
        {
            network.train(training);
            using var scope = NewDisposeScope();
            network.forward(samples);
            Assert.Equal(1, scope.DisposablesCount);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Backward_EveryParameter_GetsAGradient(string name)
    {
        using var scope = NewDisposeScope();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        network.train();
        network.Logits(Batch.Of(zoo.Samples(4), tensor([0L, 1, 2, 3]), [0, 1, 2, 3])).square().sum().backward();
        // The head that learns from the teacher does not make the logits in training.
        Assert.All(
            network.named_parameters().Where(entry => !entry.name.StartsWith("head_dist", StringComparison.Ordinal)),
            entry => Assert.True(entry.parameter.grad is { } gradient && gradient.isfinite().all().item<bool>(), entry.name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Forward_ByMode_MovesStatisticsInTrainingAlone(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        var before = network.named_buffers().ToDictionary(entry => entry.name, entry => entry.buffer.clone());
        network.eval();
        var input = zoo.Samples(3);
        var kept = input.clone();
        var together = network.forward(input);
        Assert.Equal(before.Count, network.named_buffers().Count(entry => entry.buffer.equal(before[entry.name]).all().item<bool>()));
        Assert.True(input.equal(kept).all().item<bool>(), "the input was changed");
        Assert.True(allclose(together, cat([network.forward(input[..1]), network.forward(input[1..])]), rtol: 1e-3, atol: 1e-4));
        network.train();
        network.forward(input);
        Assert.Equal(0, network.named_buffers().Count(entry => entry.buffer.equal(before[entry.name]).all().item<bool>()));
    }

    [Fact]
    public void Cases_EveryFamilyOfTheCatalog_IsThere() => Assert.Empty(
        Catalogs.Default().Models.Entries.Select(entry => entry.OptionsType)
            .Where(type => type.Namespace!.StartsWith("DistillSharp.Vision.Models", StringComparison.Ordinal) && ConfigBinder.OptionsOf(type).Count > 0)
            .Except(ZooCase.All.Values.Select(zoo => zoo.Options.GetType())));

    [Theory]
    [MemberData(nameof(Names))]
    public void Export_Onnx_ComputesWhatTheNetworkDoes(string name)
    {
        using var scope = NewDisposeScope();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        var path = _folder.File("model.onnx");
        var samples = zoo.Samples(4);
        var parity = OnnxExporter.Export(network, zoo.Data, path, samples);
        Assert.Equal(4, parity.Samples);
        network.eval();
        using var noGradient = no_grad();
        using var session = new OnnxSession(path);
        var expected = network.forward(samples);
        Assert.Equal(-1, session.Inputs[OnnxExporter.InputName][0]);
        Assert.Equal(OnnxExporter.Opset, OnnxModel.Read(path).Opset);
        Assert.True(allclose(expected, session.Run(samples)[0], rtol: 1e-3, atol: 1e-4));
        Assert.True(allclose(expected[1..2], session.Run(samples[1..2])[0], rtol: 1e-3, atol: 1e-4));
        // Constant logits would agree as well.
        Assert.True(expected.std(0, unbiased: true).mean().item<float>() > 1e-3);
    }

    /// <summary>The counter follows the description; here every convolution and linear layer that runs is asked.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void MultiplyAdds_Description_CountsWhatRuns(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var zoo = ZooCase.All[name];
        var network = zoo.Create();
        network.eval();
        long counted = 0;
        foreach (var module in network.modules())
        {
            switch (module)
            {
                case Conv2d convolution:
                    convolution.register_forward_hook((_, input, output) =>
                    {
                        counted += output.numel() * (convolution.in_channels / convolution.groups) * convolution.weight.shape[2] * convolution.weight.shape[3];
                        return output;
                    });
                    break;
                case Linear linear:
                    linear.register_forward_hook((_, input, output) =>
                    {
                        counted += output.numel() * input.shape[^1];
                        return output;
                    });
                    break;
            }
        }

        network.forward(zoo.Samples(1));
        using var shapes = VisionModelFigures.WithoutValues(zoo.Spec, zoo.Data);
        Assert.Equal(counted + VisionModelFigures.AttentionMultiplyAdds(zoo), MacCounter.Count(shapes, zoo.Data));
        Assert.Equal(network.parameters().Sum(parameter => parameter.numel()), shapes.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Weights_Safetensors_ComeBack(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var zoo = ZooCase.All[name];
        var (saved, loaded) = (zoo.Create(1), zoo.Create(2));
        var path = _folder.File("weights.safetensors");
        Safetensors.Write(path, saved);
        Safetensors.LoadInto(loaded, path);
        var samples = zoo.Samples(2);
        saved.eval();
        loaded.eval();
        Assert.True(saved.forward(samples).equal(loaded.forward(samples)).all().item<bool>());
    }

    private static Tensor Copy(Dictionary<string, Tensor> copies, string name, Tensor value)
    {
        // The network may dispose what is made inside its own scope.
        copies[name] = value.clone().DetachFromDisposeScope();
        return value;
    }
}
