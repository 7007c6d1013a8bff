using DistillSharp.Export;
using DistillSharp.Tests.Models;
using DistillSharp.Vision.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>Residual networks and VGG against explicit functional calls, and their parameters' names.</summary>
public sealed class ResidualReferenceTests
{
    private const string Counter = "num_batches_tracked";

    [Theory]
    [InlineData(12, 2, 1)]
    [InlineData(8, 1, 1)]
    [InlineData(12, 1, 2)]
    public void Bottleneck_Forward_EqualsFunctionalReference(int inputs, int stride, int innerMultiplier)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var block = new Bottleneck(inputs, 2, stride, innerMultiplier);
        ZooCase.Randomise(block);
        block.eval();
        var reference = new FunctionalReference(block.state_dict());
        var x = randn(2, inputs, 7, 7);
        var y = functional.relu(reference.Norm(reference.Conv(x, "conv1"), "bn1"));
        y = functional.relu(reference.Norm(reference.Conv(y, "conv2", stride), "bn2"));
        y = reference.Norm(reference.Conv(y, "conv3"), "bn3");
        var shortcut = inputs == 8 ? x : reference.Norm(reference.Conv(x, "downsample.0", stride), "downsample.1");
        FunctionalReference.AssertClose(functional.relu(y + shortcut), block.call(x));
        Assert.Equal(2L * innerMultiplier, block.state_dict()["conv2.weight"].shape[0]);
    }

    [Theory]
    [InlineData(4, 6, 2)]
    [InlineData(6, 6, 1)]
    public void WideBlock_Forward_EqualsFunctionalReference(int inputs, int outputs, int stride)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var block = new WideBlock(inputs, outputs, stride, dropout: 0.5);
        ZooCase.Randomise(block);
        block.eval();
        var reference = new FunctionalReference(block.state_dict());
        var x = randn(2, inputs, 7, 7);
        var active = functional.relu(reference.Norm(x, "bn1"));
        var y = reference.Conv(functional.relu(reference.Norm(reference.Conv(active, "conv1", stride), "bn2")), "conv2");
        FunctionalReference.AssertClose(y + (inputs == outputs ? x : reference.Conv(active, "convShortcut", stride)), block.call(x));
        block.train();
        Assert.False(allclose(block.call(x), block.call(x)));
    }

    [Fact]
    public void CifarVgg_Forward_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new CifarVgg(new CifarVggOptions { Depth = 13, WidthMultiplier = 0.0625 }, SampleData.Images(3, 16, 4));
        ZooCase.Randomise(network);
        network.eval();
        var reference = new FunctionalReference(network.state_dict());
        var x = randn(2, 3, 16, 16);
        var input = x;
        for (var stage = 0; stage < 5; stage++)
        {
            x = functional.relu(reference.Norm(reference.Conv(x, $"block{stage}.0"), $"block{stage}.1"));
            x = functional.relu(reference.Norm(reference.Conv(x, $"block{stage}.3"), $"block{stage}.4"));
            x = stage < 3 ? functional.max_pool2d(x, 2) : x;
        }

        FunctionalReference.AssertClose(reference.Linear(x.mean([2, 3]), "classifier"), network.forward(input));
    }

    [Fact]
    public void Vgg_Forward_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new Vgg(new VggOptions { Depth = 11, BatchNorm = false, WidthMultiplier = 0.03125 }, SampleData.Images(3, 64, 4));
        ZooCase.Randomise(network);
        network.eval();
        var reference = new FunctionalReference(network.state_dict());
        var input = randn(2, 3, 64, 64);
        var x = input;
        foreach (var (index, pooled) in new[] { (0, true), (3, true), (6, false), (8, true), (11, false), (13, true), (16, false), (18, true) })
        {
            x = functional.relu(reference.Conv(x, $"features.{index}"));
            x = pooled ? functional.max_pool2d(x, 2) : x;
        }

        x = functional.adaptive_avg_pool2d(x, 7).flatten(1);
        x = functional.relu(reference.Linear(functional.relu(reference.Linear(x, "classifier.0")), "classifier.3"));
        FunctionalReference.AssertClose(reference.Linear(x, "classifier.6"), network.forward(input));
    }

    [Fact]
    public void StateDict_ResNets_HasTorchvisionNames()
    {
        using var scope = NewDisposeScope();
        var names = Names(new ResNetOptions { Depth = 50, Width = 2 });
        Assert.Superset(new HashSet<string> { "conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight", "layer1.0.downsample.1.num_batches_tracked", "layer1.2.conv3.weight", "layer3.5.bn3.bias", "layer4.2.conv1.weight", "fc.weight", "fc.bias" }, names);
        Assert.DoesNotContain("layer2.1.downsample.0.weight", names);
        // (convolution + 5 batch-norm tensors) × (stem + 3 a block + 4 downsamples), fc
        Assert.Equal(((1 + (3 * 16) + 4) * 6) + 2, names.Count);
        Assert.DoesNotContain("layer1.0.downsample.0.weight", Names(new ResNetOptions { Depth = 18, Width = 2 }));
    }

    [Fact]
    public void StateDict_WideResNetAndVgg_HaveTheAuthorsNames()
    {
        using var scope = NewDisposeScope();
        var wide = new WideResNet(new WideResNetOptions { Depth = 16, WidthMultiplier = 2 }, SampleData.Images(3, 32, 10)).state_dict().Keys;
        Assert.Superset(new HashSet<string> { "conv1.weight", "block1.layer.0.convShortcut.weight", "block3.layer.1.bn2.running_mean", "bn1.weight", "fc.bias" }, wide.ToHashSet());
        var narrow = new WideResNet(new WideResNetOptions { Depth = 16, WidthMultiplier = 1 }, SampleData.Images(3, 32, 10)).state_dict().Keys;
        Assert.DoesNotContain("block1.layer.0.convShortcut.weight", narrow);
        var vgg = new Vgg(new VggOptions { Depth = 16, WidthMultiplier = 0.03125 }, SampleData.Images(3, 32, 10)).state_dict().Keys;
        Assert.Superset(new HashSet<string> { "features.0.weight", "features.1.running_mean", "features.40.bias", "classifier.0.weight", "classifier.3.bias", "classifier.6.weight" }, vgg.ToHashSet());
    }

    [Fact]
    public void LoadInto_ResNetWithMissingAndExtraKeys_ListsThem()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var network = ZooCase.All["resnet of basic blocks"].Create();
        var state = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value);
        state["layer4.1.conv3.weight"] = zeros(1);
        state.Remove("layer2.0.downsample.0.weight");
        var path = folder.File("weights.safetensors");
        Safetensors.Write(path, state);
        var error = Assert.ThrowsAny<Exception>(() => Safetensors.LoadInto(network, path));
        Assert.Contains("layer4.1.conv3.weight", error.Message);
        Assert.Contains("layer2.0.downsample.0.weight", error.Message);
    }

    [Fact]
    public void LoadInto_TorchvisionFileWithoutCounters_ComputesTheSame()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var zoo = ZooCase.All["resnet of basic blocks"];
        var (network, loaded) = (zoo.Create(), zoo.Create(seed: 2));
        var counters = loaded.state_dict().Where(entry => entry.Key.EndsWith(Counter, StringComparison.Ordinal)).Select(entry => entry.Value).ToList();
        counters.ForEach(counter => counter.fill_(7));
        var path = folder.File("weights.safetensors");
        Safetensors.Write(path, WithoutCounters(network));

        Safetensors.LoadInto(loaded, path);

        network.eval();
        loaded.eval();
        var x = zoo.Samples(2);
        FunctionalReference.AssertClose(network.forward(x), loaded.forward(x));
        Assert.Equal(1 + (8 * 2) + 3, counters.Count);
        Assert.All(counters, counter => Assert.True(counter.eq(0).item<bool>()));
    }

    [Fact]
    public void LoadInto_BatchNormWithoutMeanAndCounter_ListsBoth()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var network = ZooCase.All["resnet of basic blocks"].Create();
        var state = WithoutCounters(network);
        state.Remove("layer2.0.bn1.running_mean");
        var path = folder.File("weights.safetensors");
        Safetensors.Write(path, state);

        var faults = Assert.Throws<InvalidDataException>(() => Safetensors.LoadInto(network, path)).Message.Split(Environment.NewLine)[1..];

        Assert.Equal(2, faults.Length);
        Assert.Contains(faults, fault => fault.StartsWith("  missing: layer2.0.bn1.running_mean [", StringComparison.Ordinal));
        Assert.Contains("  missing: layer2.0.bn1.num_batches_tracked []", faults);
    }

    [Fact]
    public void Create_DepthsThatAreNot_SaysWhichAre()
    {
        var data = SampleData.Images(3, 32, 10);
        Assert.Contains("18, 34, 50, 101, 152", Assert.Throws<ArgumentException>(() => new ResNet(new ResNetOptions { Depth = 20 }, data)).Message);
        Assert.Contains("6n+4", Assert.Throws<ArgumentException>(() => new WideResNet(new WideResNetOptions { Depth = 20 }, data)).Message);
        Assert.Contains("8, 11, 13, 16, 19", Assert.Throws<ArgumentException>(() => new CifarVgg(new CifarVggOptions { Depth = 12 }, data)).Message);
        Assert.Contains("11, 13, 16, 19", Assert.Throws<ArgumentException>(() => new Vgg(new VggOptions { Depth = 8 }, data)).Message);
        Assert.Contains("cifar_vgg", Assert.Throws<ArgumentException>(() => new Vgg(new VggOptions(), SampleData.Images(3, 28, 10))).Message);
    }

    private static Dictionary<string, Tensor> WithoutCounters(Module network) =>
        network.state_dict().Where(entry => !entry.Key.EndsWith(Counter, StringComparison.Ordinal)).ToDictionary();

    private static HashSet<string> Names(ResNetOptions options)
    {
        using var network = new ResNet(options, SampleData.Images(3, 32, 10));
        return [.. network.state_dict().Keys];
    }
}
