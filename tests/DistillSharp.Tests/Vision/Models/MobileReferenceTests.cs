using DistillSharp.Models;
using DistillSharp.Tests.Models;
using DistillSharp.Vision.Models.Mobile;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>MobileNets and ShuffleNets against explicit functional calls, and their parameters' names.</summary>
public sealed class MobileReferenceTests
{
    [Fact]
    public void MobileNetV1_Blocks_EqualFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new MobileNetV1(new MobileNetV1Options { WidthMultiplier = 0.125 }, SampleData.Images(3, 32, 4));
        var (reference, input) = Prepare(network);
        var x = functional.relu(reference.Norm(reference.Conv(input, "model.0.0", 2), "model.0.1"));
        foreach (var (index, stride) in new[] { 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1 }.Index())
        {
            var block = $"model.{index + 1}";
            x = functional.relu(reference.Norm(reference.Conv(x, block + ".0", stride, groups: x.shape[1]), block + ".1"));
            x = functional.relu(reference.Norm(reference.Conv(x, block + ".3"), block + ".4"));
        }

        FunctionalReference.AssertClose(reference.Linear(x.mean([2, 3]), "fc"), network.forward(input));
    }

    [Theory]
    [InlineData("features.1", 1, 4)]
    [InlineData("features.2", 2, 8)]
    [InlineData("features.3", 1, 8)]
    public void MobileNetV2_Block_EqualsFunctionalReference(string path, int stride, int inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new MobileNetV2(new MobileNetV2Options { WidthMultiplier = 0.25 }, SampleData.Images(3, 32, 4));
        var (reference, _) = Prepare(network);
        inputs = path == "features.1" ? 8 : inputs;
        var x = randn(2, inputs, 9, 9) * 3;
        var y = x;
        var next = 0;
        if (path != "features.1")
        {
            y = functional.relu6(reference.Norm(reference.Conv(y, $"{path}.conv.0.0"), $"{path}.conv.0.1"));
            next = 1;
        }

        y = reference.Norm(reference.Conv(y, $"{path}.conv.{next}.0", stride, groups: y.shape[1]), $"{path}.conv.{next}.1").clamp(0, 6);
        y = reference.Norm(reference.Conv(y, $"{path}.conv.{next + 1}"), $"{path}.conv.{next + 2}");
        FunctionalReference.AssertClose(stride == 1 && inputs == y.shape[1] ? x + y : y, At(network, path).call(x));
    }

    [Fact]
    public void CifarMobileNetV2_Forward_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new CifarMobileNetV2(new CifarMobileNetV2Options { WidthMultiplier = 0.25, Expansion = 3 }, SampleData.Images(3, 32, 4));
        var (reference, input) = Prepare(network);
        var x = functional.relu(reference.Norm(reference.Conv(input, "conv1.0", 2), "conv1.1"));
        var stages = new[] { (1, 1), (2, 1), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1) };
        for (var stage = 0; stage < stages.Length; stage++)
        {
            for (var block = 0; block < stages[stage].Item1; block++)
            {
                var (key, stride) = ($"blocks.{stage}.{block}.conv", block == 0 ? stages[stage].Item2 : 1);
                var y = functional.relu(reference.Norm(reference.Conv(x, key + ".0"), key + ".1"));
                y = functional.relu(reference.Norm(reference.Conv(y, key + ".3", stride, groups: y.shape[1]), key + ".4"));
                y = reference.Norm(reference.Conv(y, key + ".6"), key + ".7");
                x = stride == 1 && x.shape[1] == y.shape[1] ? x + y : y;
            }
        }

        x = functional.relu(reference.Norm(reference.Conv(x, "conv2.0"), "conv2.1")).mean([2, 3]);
        FunctionalReference.AssertClose(reference.Linear(x, "classifier.0"), network.forward(input));
    }

    [Fact]
    public void MobileNetV3_Block_EqualsFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new MobileNetV3(new MobileNetV3Options(), SampleData.Images(3, 32, 4));
        var (reference, _) = Prepare(network);
        // The fifth block: 5×5, hard swish, squeezed, added.
        const string Key = "features.5.block";
        var x = randn(2, 40, 6, 6);
        Tensor HardSwish(Tensor value) => value * (value + 3).clamp(0, 6) / 6;
        var y = HardSwish(reference.Norm(reference.Conv(x, Key + ".0.0"), Key + ".0.1", 1e-3));
        y = HardSwish(reference.Norm(reference.Conv(y, Key + ".1.0", groups: 240), Key + ".1.1", 1e-3));
        var gate = reference.Conv(functional.relu(reference.Conv(y.mean([2, 3], keepdim: true), Key + ".2.fc1")), Key + ".2.fc2");
        y *= (gate + 3).clamp(0, 6) / 6;
        y = reference.Norm(reference.Conv(y, Key + ".3.0"), Key + ".3.1", 1e-3);
        FunctionalReference.AssertClose(x + y, At(network, "features.5").call(x));
    }

    [Theory]
    [InlineData("layer1.0", 24)]
    [InlineData("layer2.0", 72)]
    [InlineData("layer2.1", 144)]
    public void CifarShuffleNetV1_Unit_EqualsFunctionalReference(string path, int inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new CifarShuffleNetV1(new CifarShuffleNetV1Options { WidthMultiplier = 0.3 }, SampleData.Images(3, 32, 4));
        var (reference, _) = Prepare(network);
        var halves = path.EndsWith(".0", StringComparison.Ordinal);
        var first = path == "layer1.0" ? 1 : 3;
        var x = randn(2, inputs, 7, 7);
        var y = Shuffled(functional.relu(reference.Norm(reference.Conv(x, path + ".conv1", groups: first), path + ".bn1")), first);
        y = functional.relu(reference.Norm(reference.Conv(y, path + ".conv2", halves ? 2 : 1, groups: y.shape[1]), path + ".bn2"));
        y = reference.Norm(reference.Conv(y, path + ".conv3", groups: 3), path + ".bn3");
        var joined = halves ? cat([y, functional.avg_pool2d(x, 3, 2, 1)], 1) : y + x;
        FunctionalReference.AssertClose(functional.relu(joined), At(network, path).call(x));
    }

    [Theory]
    [InlineData(3, 12, 30)]
    [InlineData(8, 16, 48)]
    public void ShuffleNetV1_Units_EqualFunctionalReference(int groups, int stem, int middle)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new ShuffleNetV1(new ShuffleNetV1Options { Width = 0.5, Groups = groups }, SampleData.Images(3, 32, 4));
        var (reference, _) = Prepare(network);
        var x = randn(2, stem, 7, 7);
        var expected = cat([functional.avg_pool2d(x, 3, 2, 1), functional.relu(Convolved(x, "features.0", 1, 2))], 1);
        FunctionalReference.AssertClose(expected, At(network, "features.0").call(x));
        FunctionalReference.AssertClose(functional.relu(Convolved(expected, "features.1", groups, 1) + expected), At(network, "features.1").call(expected));

        Tensor Convolved(Tensor input, string key, int firstGroups, int stride)
        {
            var y = functional.relu(reference.Norm(reference.Conv(input, key + ".branch_main_1.0", groups: firstGroups), key + ".branch_main_1.1"));
            y = reference.Norm(reference.Conv(y, key + ".branch_main_1.3", stride, groups: middle), key + ".branch_main_1.4");
            // Of G groups, place c of group g is given channel G·c + g.
            var each = middle / groups;
            y = y.index_select(1, tensor(Enumerable.Range(0, middle).Select(place => ((long)groups * (place % each)) + (place / each)).ToArray()));
            return reference.Norm(reference.Conv(y, key + ".branch_main_2.0", groups: groups), key + ".branch_main_2.1");
        }
    }

    [Fact]
    public void ShuffleNetV2_Units_EqualFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new ShuffleNetV2(new ShuffleNetV2Options { Width = 0.5 }, SampleData.Images(3, 32, 4));
        var (reference, _) = Prepare(network);
        var x = randn(2, 24, 7, 7);
        const string Down = "stage2.0";
        var left = reference.Norm(reference.Conv(x, Down + ".branch1.0", 2, groups: 24), Down + ".branch1.1");
        left = functional.relu(reference.Norm(reference.Conv(left, Down + ".branch1.2"), Down + ".branch1.3"));
        var expected = Shuffled(cat([left, Branch(reference, x, Down + ".branch2", 2)], 1), 2);
        FunctionalReference.AssertClose(expected, At(network, Down).call(x));
        var split = expected.chunk(2, 1);
        FunctionalReference.AssertClose(Shuffled(cat([split[0], Branch(reference, split[1], "stage2.1.branch2", 1)], 1), 2), At(network, "stage2.1").call(expected));
    }

    [Fact]
    public void CifarShuffleNetV2_Units_EqualFunctionalReference()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new CifarShuffleNetV2(new CifarShuffleNetV2Options { Width = 0.3 }, SampleData.Images(3, 32, 4));
        var (reference, _) = Prepare(network);
        var x = randn(2, 24, 7, 7);
        var left = reference.Norm(reference.Conv(x, "layer1.0.conv1", 2, groups: 24), "layer1.0.bn1");
        left = functional.relu(reference.Norm(reference.Conv(left, "layer1.0.conv2"), "layer1.0.bn2"));
        var right = functional.relu(reference.Norm(reference.Conv(x, "layer1.0.conv3"), "layer1.0.bn3"));
        right = reference.Norm(reference.Conv(right, "layer1.0.conv4", 2, groups: 20), "layer1.0.bn4");
        right = functional.relu(reference.Norm(reference.Conv(right, "layer1.0.conv5"), "layer1.0.bn5"));
        var expected = Shuffled(cat([left, right], 1), 2);
        FunctionalReference.AssertClose(expected, At(network, "layer1.0").call(x));
        var split = expected.chunk(2, 1);
        right = functional.relu(reference.Norm(reference.Conv(split[1], "layer1.1.conv1"), "layer1.1.bn1"));
        right = reference.Norm(reference.Conv(right, "layer1.1.conv2", groups: 20), "layer1.1.bn2");
        right = functional.relu(reference.Norm(reference.Conv(right, "layer1.1.conv3"), "layer1.1.bn3"));
        FunctionalReference.AssertClose(Shuffled(cat([split[0], right], 1), 2), At(network, "layer1.1").call(expected));
    }

    [Theory]
    [InlineData("mobilenet_v2", "features.0.0.weight features.1.conv.0.0.weight features.1.conv.1.weight features.1.conv.2.bias features.17.conv.3.running_var features.18.1.bias classifier.1.weight")]
    [InlineData("cifar_mobilenet_v2", "conv1.0.weight blocks.0.0.conv.6.weight blocks.6.0.conv.7.bias conv2.1.weight classifier.0.bias")]
    [InlineData("mobilenet_v3 large", "features.0.0.weight features.1.block.0.0.weight features.4.block.2.fc1.bias features.15.block.3.1.weight features.16.1.bias classifier.0.weight classifier.3.bias")]
    [InlineData("mobilenet_v3 small", "features.1.block.1.fc2.weight features.12.0.weight classifier.3.weight")]
    [InlineData("shufflenet_v1", "first_conv.0.weight first_conv.1.bias features.0.branch_main_1.3.weight features.0.branch_main_2.1.running_mean features.15.branch_main_1.0.weight classifier.0.weight")]
    [InlineData("shufflenet_v2", "conv1.0.weight stage2.0.branch1.3.bias stage3.7.branch2.6.running_mean conv5.1.weight fc.weight")]
    [InlineData("cifar_shufflenet_v1", "conv1.weight layer1.3.bn3.weight layer3.0.conv1.weight linear.bias")]
    public void StateDict_EveryFamily_HasThePublishedNames(string name, string names)
    {
        using var scope = NewDisposeScope();
        Assert.Superset(names.Split(' ').ToHashSet(), ZooCase.All[name].Create().state_dict().Keys.ToHashSet());
    }

    /// <summary>Numbers of MobileNet's own code: multiples of 8, at least 8, never below 90 % of what was asked.</summary>
    [Theory]
    [InlineData(4, 8)]
    [InlineData(11.2, 16)]
    [InlineData(12, 16)]
    [InlineData(16.8, 16)]
    [InlineData(18, 24)]
    [InlineData(33.6, 32)]
    [InlineData(1792, 1792)]
    public void Divisible_ScaledChannels_AreThoseOfThePaperCode(double channels, long expected) => Assert.Equal(expected, ChannelWidths.Divisible(channels));

    private static Tensor Branch(FunctionalReference reference, Tensor x, string key, int stride)
    {
        var y = functional.relu(reference.Norm(reference.Conv(x, key + ".0"), key + ".1"));
        y = reference.Norm(reference.Conv(y, key + ".3", stride, groups: y.shape[1]), key + ".4");
        return functional.relu(reference.Norm(reference.Conv(y, key + ".5"), key + ".6"));
    }

    /// <summary>Channel by channel: place k holds channel (k mod g) · C/g + k div g.</summary>
    private static Tensor Shuffled(Tensor x, int groups)
    {
        var channels = (int)x.shape[1];
        var order = Enumerable.Range(0, channels).Select(place => (long)((place % groups * (channels / groups)) + (place / groups))).ToArray();
        return x.index_select(1, tensor(order));
    }

    private static Module<Tensor, Tensor> At(Network network, string path) => (Module<Tensor, Tensor>)network.named_modules().Single(module => module.name == path).module;

    private static (FunctionalReference Reference, Tensor Input) Prepare(Network network)
    {
        ZooCase.Randomise(network);
        network.eval();
        return (new FunctionalReference(network.state_dict()), randn(2, 3, 32, 32));
    }
}
