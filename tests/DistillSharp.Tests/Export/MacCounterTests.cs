using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Export;

public sealed class MacCounterTests
{
    /// <summary>
    /// ResNets of He et al., table 6, counted by hand: with n blocks a stage, the stem has 32²·9·3·16, every stage 2n convolutions
    /// of 32²·9·16² (the first of stages 2 and 3 half of that), both 1×1 shortcuts 16²·16·32 = 8²·32·64, the classifier 64·C.
    /// </summary>
    [Theory]
    [InlineData("resnet20", 3)]
    [InlineData("resnet56", 9)]
    [InlineData("resnet110", 18)]
    public void Count_CifarResNets_EqualsHandCount(string name, long n)
    {
        using var scope = NewDisposeScope();
        var entry = ModelCatalog.Default().Find(name)!;
        var data = SampleData.Images(3, 32, 10);
        var network = (SingleInputNetwork)entry.Create(new NamedModelOptions(), data);
        long convolution = 32 * 32 * 9 * 16 * 16;
        var expected = (32 * 32 * 9 * 3 * 16) + (6 * n * convolution) - convolution + (2 * 16 * 16 * 16 * 32) + (64 * 10);
        Assert.Equal(expected, MacCounter.Count(network, data));
    }

    [Fact]
    public void Count_ResNet20_IsTheFortyOneMillionOfThePapers()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(3, 32, 10);
        Assert.Equal(40.8, MacCounter.Count(new CifarResNet(new CifarResNetOptions { Depth = 20 }, data), data) / 1e6, 0.05);
    }

    [Fact]
    public void Count_Mlp_IsTheNumberOfItsWeights()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(1, 28, 10);
        Assert.Equal((784 * 800) + (800 * 800) + (800 * 10), MacCounter.Count(new Mlp(new MlpOptions(), data), data));
    }

    [Fact]
    public void Count_SmallCnn_EqualsHandCount()
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(1, 28, 10);
        var expected = (28 * 28 * 9 * (8 + (8 * 8))) + (14 * 14 * 9 * ((8 * 16) + (16 * 16))) + (16 * 10);
        Assert.Equal(expected, MacCounter.Count(new SmallCnn(new SmallCnnOptions(), data), data));
    }
}
