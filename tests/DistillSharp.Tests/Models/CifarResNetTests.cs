using DistillSharp.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Models;

[Collection(nameof(TorchGenerator))]
public sealed class CifarResNetTests
{
    /// <summary>Counts of the reference implementation of contrastive representation distillation at 100 classes.</summary>
    [Theory]
    [InlineData("resnet8", 83_892)]
    [InlineData("resnet20", 278_324)]
    [InlineData("resnet32", 472_756)]
    [InlineData("resnet56", 861_620)]
    [InlineData("resnet110", 1_736_564)]
    [InlineData("resnet8x4", 1_233_540)]
    [InlineData("resnet32x4", 7_433_860)]
    public void Parameters_HundredClasses_AreThoseOfThePapers(string name, long expected)
    {
        using var scope = NewDisposeScope();
        var entry = ModelCatalog.Default().Find(name)!;
        var network = entry.Create(new NamedModelOptions(), SampleData.Images(3, 32, 100));
        Assert.Equal(expected, network.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void StateDict_TwentyLayers_HasTorchvisionNames()
    {
        using var scope = NewDisposeScope();
        var names = Create(20).state_dict().Keys.ToHashSet();
        foreach (var name in new[] { "conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.num_batches_tracked", "layer3.2.bn2.bias", "fc.weight", "fc.bias" })
        {
            Assert.Contains(name, names);
        }

        Assert.DoesNotContain(names, name => name.StartsWith("layer1.0.downsample", StringComparison.Ordinal));
        // (convolution + 5 batch-norm tensors) × (stem + 6 a stage + 2 downsamples), fc
        Assert.Equal(((1 + 18 + 2) * 6) + 2, names.Count);
    }

    [Fact]
    public void Forward_EightLayers_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var network = Create(8);
        RandomStatistics.Fill(network);
        network.eval();
        var state = network.state_dict();
        var input = randn(2, 3, 12, 12);
        using var noGradient = no_grad();

        Tensor Norm(Tensor x, string key) => functional.batch_norm(x, state[key + ".running_mean"], state[key + ".running_var"], state[key + ".weight"], state[key + ".bias"], training: false);
        Tensor Conv(Tensor x, string key, long stride = 1, long padding = 1) => functional.conv2d(x, state[key + ".weight"], strides: [stride, stride], padding: [padding, padding]);
        var x = functional.relu(Norm(Conv(input, "conv1"), "bn1"));
        for (var stage = 1; stage <= 3; stage++)
        {
            var stride = stage == 1 ? 1 : 2;
            var block = $"layer{stage}.0";
            var y = functional.relu(Norm(Conv(x, block + ".conv1", stride), block + ".bn1"));
            y = Norm(Conv(y, block + ".conv2"), block + ".bn2");
            x = functional.relu(y + (stage == 1 ? x : Norm(Conv(x, block + ".downsample.0", stride, 0), block + ".downsample.1")));
        }

        var expected = functional.linear(x.mean([2, 3]), state["fc.weight"], state["fc.bias"]);
        Assert.True(allclose(expected, network.forward(input), rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void FeaturePoints_PreActivation_ReluOfItIsTheStage()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = Create(14);
        network.eval();
        var before = network.FindFeature("layer2.preact");
        var after = network.FindFeature("layer2");
        Tensor? seenBefore = null;
        Tensor? seenAfter = null;
        var modules = network.named_modules().ToDictionary(module => module.name, module => (Module<Tensor, Tensor>)(module.module as Module<Tensor, Tensor>)!);
        Assert.Equal(FeatureSide.Input, before.Side);
        modules[before.ModulePath].register_forward_pre_hook((_, input) =>
        {
            seenBefore = input.clone();
            return input;
        });
        modules[after.ModulePath].register_forward_hook((_, _, output) =>
        {
            seenAfter = output.clone();
            return output;
        });
        network.forward(randn(2, 3, 16, 16));

        Assert.Equal([2L, 32, 8, 8], seenBefore!.shape);
        Assert.True(seenBefore.min().item<float>() < 0);
        Assert.True(functional.relu(seenBefore).equal(seenAfter!).all().item<bool>());
    }

    [Fact]
    public void Create_SameSeed_GivesSameWeightsOfKaimingScale()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(7);
        var first = Create(8).state_dict();
        random.manual_seed(7);
        var second = Create(8).state_dict();
        Assert.All(first, pair => Assert.True(pair.Value.equal(second[pair.Key]).all().item<bool>()));
        // 64 outputs × 9 taps: standard deviation √(2/576)
        Assert.Equal(Math.Sqrt(2.0 / 576), first["layer3.0.conv2.weight"].std().item<float>(), 2e-3);
    }

    [Theory]
    [InlineData(3, 32)]
    [InlineData(1, 28)]
    [InlineData(1, 8)]
    public void Forward_AnyImageSize_Works(int channels, int side)
    {
        using var scope = NewDisposeScope();
        using var network = new CifarResNet(new CifarResNetOptions { Depth = 8 }, SampleData.Images(channels, side, 5));
        Assert.Equal([2L, 5L], network.forward(randn(2, channels, side, side)).shape);
    }

    private static CifarResNet Create(int depth) => new(new CifarResNetOptions { Depth = depth }, SampleData.Images(3, 32, 10));
}
