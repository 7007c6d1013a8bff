using DistillSharp.Config;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Tests.Models;
using DistillSharp.Vision.Models.Mobile;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>Parameters and multiply-adds against those that are published.</summary>
public sealed class PublishedFiguresTests
{
    /// <summary>torchvision's documentation of its ImageNet weights: "num_params" and "GFLOPS" (multiply-adds) at 224×224.</summary>
    [Theory]
    [InlineData("resnet18", 11_689_512, 1.814)]
    [InlineData("resnet34", 21_797_672, 3.664)]
    [InlineData("resnet50", 25_557_032, 4.089)]
    [InlineData("resnet101", 44_549_160, 7.801)]
    [InlineData("resnet152", 60_192_808, 11.514)]
    [InlineData("wide_resnet50_2", 68_883_240, 11.398)]
    [InlineData("wide_resnet101_2", 126_886_696, 22.753)]
    [InlineData("vgg11", 132_863_336, 7.609)]
    [InlineData("vgg11_bn", 132_868_840, 7.609)]
    [InlineData("vgg13", 133_047_848, 11.308)]
    [InlineData("vgg13_bn", 133_053_736, 11.308)]
    [InlineData("vgg16", 138_357_544, 15.47)]
    [InlineData("vgg16_bn", 138_365_992, 15.47)]
    [InlineData("vgg19", 143_667_240, 19.632)]
    [InlineData("vgg19_bn", 143_678_248, 19.632)]
    [InlineData("mobilenet_v2_x1_0", 3_504_872, 0.301)]
    [InlineData("mobilenet_v3_small", 2_542_856, 0.057)]
    [InlineData("mobilenet_v3_large", 5_483_032, 0.217)]
    [InlineData("shufflenet_v2_x0_5", 1_366_792, 0.04)]
    [InlineData("shufflenet_v2_x1_0", 2_278_604, 0.145)]
    [InlineData("shufflenet_v2_x1_5", 3_503_624, 0.296)]
    [InlineData("shufflenet_v2_x2_0", 7_393_996, 0.583)]
    [InlineData("vit_b_16", 86_567_656, 17.564)]
    [InlineData("vit_b_32", 88_224_232, 4.409)]
    [InlineData("vit_l_16", 304_326_632, 61.555)]
    [InlineData("vit_l_32", 306_535_400, 15.378)]
    [InlineData("vit_h_14", 632_045_800, 167.295)]
    public void ImageNet_AreThoseOfTorchvision(string name, long parameters, double billions)
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(3, 224, 1000);
        var network = Create(name, new NamedModelOptions(), data);
        Assert.Equal(parameters, network.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(billions, MacCounter.Count(network, data) / 1e9, 0.0006);
    }

    /// <summary>Counts of the reference implementation of contrastive representation distillation at 32×32 and 100 classes.</summary>
    [Theory]
    [InlineData("wrn_16_2", 703_284)]
    [InlineData("wrn_40_1", 569_780)]
    [InlineData("wrn_40_2", 2_255_156)]
    [InlineData("cifar_vgg8", 3_965_028)]
    [InlineData("cifar_vgg13", 9_462_180)]
    [InlineData("cifar_mobilenet_v2_x0_5", 812_836)]
    [InlineData("cifar_shufflenet_v1_x1_0", 949_258)]
    [InlineData("cifar_shufflenet_v2_x1_0", 1_355_528)]
    public void Cifar_AreThoseOfTheReferenceImplementation(string name, long parameters)
    {
        using var scope = NewDisposeScope();
        var network = Create(name, new NamedModelOptions(), SampleData.Images(3, 32, 100));
        Assert.Equal(parameters, network.parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>
    /// Widely used networks for CIFAR-10 of the same layers with weights: VGG with batch-norm of pytorch-cifar (other poolings), ShuffleNet V2 of
    /// pytorch-cifar-models (whose first convolution of 24 channels is 3×3 in the place of 1×1).
    /// </summary>
    [Theory]
    [InlineData("cifar_vgg11", 9_231_114)]
    [InlineData("cifar_vgg13", 9_416_010)]
    [InlineData("cifar_vgg16", 14_728_266)]
    [InlineData("cifar_vgg19", 20_040_522)]
    [InlineData("cifar_shufflenet_v2_x0_5", 352_042 - (24 * 3 * 8))]
    [InlineData("cifar_shufflenet_v2_x1_0", 1_263_854 - (24 * 3 * 8))]
    public void CifarTen_AreThoseOfOtherImplementations(string name, long parameters)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(parameters, Create(name, new NamedModelOptions(), SampleData.Images(3, 32, 10)).parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>
    /// Millions of parameters at ten classes: He et al., table 6, whose shortcuts have none (here two are a 1×1 convolution with batch-norm); Zagoruyko and
    /// Komodakis, Paying More Attention to Attention, table 1.
    /// </summary>
    [Theory]
    [InlineData("resnet20", 0.27, 0.005)]
    [InlineData("resnet32", 0.46, 0.005)]
    [InlineData("resnet44", 0.66, 0.005)]
    [InlineData("resnet56", 0.85, 0.005)]
    [InlineData("resnet110", 1.7, 0.05)]
    [InlineData("wrn_16_1", 0.2, 0.05)]
    [InlineData("wrn_16_2", 0.7, 0.05)]
    [InlineData("wrn_40_1", 0.6, 0.05)]
    [InlineData("wrn_40_2", 2.2, 0.05)]
    public void CifarTen_AreThoseOfThePapers(string name, double millions, double tolerance)
    {
        using var scope = NewDisposeScope();
        var shortcuts = name.StartsWith("resnet", StringComparison.Ordinal) ? ((16 * 32) + (2 * 32) + (32 * 64) + (2 * 64)) / 1e6 : 0;
        Assert.Equal(millions, Millions(name, new NamedModelOptions(), 10) - shortcuts, tolerance);
    }

    /// <summary>ShuffleNet V2 of the reference implementation of contrastive representation distillation: channels of its stages and last convolution, units of a stage.</summary>
    [Theory]
    [InlineData(0.2, new long[] { 40, 80, 160, 512 }, new[] { 4, 4, 4 })]
    [InlineData(0.3, new long[] { 40, 80, 160, 512 }, new[] { 4, 8, 4 })]
    [InlineData(1.5, new long[] { 176, 352, 704, 1024 }, new[] { 4, 8, 4 })]
    [InlineData(2.0, new long[] { 224, 488, 976, 2048 }, new[] { 4, 8, 4 })]
    public void CifarShuffleNetV2_ByWidth_HasTheReferenceImplementationsStages(double width, long[] channels, int[] units)
    {
        using var scope = NewDisposeScope();
        var shapes = Create("cifar_shufflenet_v2", new CifarShuffleNetV2Options { Width = width }, SampleData.Images(3, 32, 100)).state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.shape);
        Assert.Equal([channels[3], channels[2], 1, 1], shapes["conv2.weight"]);
        for (var stage = 1; stage <= 3; stage++)
        {
            Assert.Equal(channels[stage - 1] / 2, shapes[$"layer{stage}.{units[stage - 1] - 1}.conv3.weight"][0]);
            Assert.DoesNotContain($"layer{stage}.{units[stage - 1]}.conv3.weight", shapes.Keys);
        }
    }

    /// <summary>
    /// MobileNet V1: 4.2 million parameters and 569 million multiply-adds, 1.3 and 149 at half the width (Howard et al., tables 6 and 8);
    /// ShuffleNet V1 with three and with eight groups: the table of its authors' code;
    /// DeiT with the distillation token: 6, 22 and 87 million parameters (Touvron et al., table 5), exactly those of timm, with the billions of
    /// multiply-adds of timm's model cards.
    /// </summary>
    [Theory]
    [InlineData("mobilenet_v1_x1_0", 4.2, 0.05, 569.0)]
    [InlineData("mobilenet_v1_x0_5", 1.3, 0.05, 149.0)]
    [InlineData("shufflenet_v1_x0_5", 0.7, 0.05, 38.0)]
    [InlineData("shufflenet_v1_x1_0", 1.9, 0.05, 138.0)]
    [InlineData("shufflenet_v1_x1_5", 3.4, 0.05, 292.0)]
    [InlineData("shufflenet_v1_x2_0", 5.4, 0.05, 524.0)]
    [InlineData("shufflenet_v1_g8_x0_5", 1.0, 0.05, 40.0)]
    [InlineData("shufflenet_v1_g8_x1_0", 2.4, 0.05, 138.0)]
    [InlineData("shufflenet_v1_g8_x1_5", 4.3, 0.05, 290.0)]
    [InlineData("shufflenet_v1_g8_x2_0", 6.5, 0.05, 522.0)]
    [InlineData("deit_tiny_distilled_patch16_224", 5.910_800, 1e-9, 1300.0, 50.0)]
    [InlineData("deit_small_distilled_patch16_224", 22.436_432, 1e-9, 4600.0, 50.0)]
    [InlineData("deit_base_distilled_patch16_224", 87.338_192, 1e-9, 17_700.0, 50.0)]
    public void ImageNet_AreThoseOfThePapers(string name, double millions, double tolerance, double multiplyAdds, double rounding = 0.6)
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(3, 224, 1000);
        var network = Create(name, new NamedModelOptions(), data);
        Assert.Equal(millions, network.parameters().Sum(parameter => parameter.numel()) / 1e6, tolerance);
        Assert.Equal(multiplyAdds, MacCounter.Count(network, data) / 1e6, rounding);
    }

    /// <summary>
    /// Zhang et al., ShuffleNet, table 1: channels of the last stage and millions of multiply-adds, those of the classifier left out. Parameters are
    /// a sum over the table's layers: weights of convolutions, two numbers a channel of every batch-norm, a classifier without bias.
    /// </summary>
    [Theory]
    [InlineData(1, 576, 1_530_936, 143.0)]
    [InlineData(2, 800, 1_732_848, 140.0)]
    [InlineData(3, 960, 1_864_728, 137.0)]
    [InlineData(4, 1088, 1_967_344, 133.0)]
    [InlineData(8, 1536, 2_433_768, 137.0)]
    public void ShuffleNetV1_ByGroups_AreThoseOfThePapersTable(int groups, long channels, long parameters, double multiplyAdds)
    {
        using var scope = NewDisposeScope();
        var data = SampleData.Images(3, 224, 1000);
        var network = Create("shufflenet_v1", new ShuffleNetV1Options { Groups = groups }, data);
        Assert.Equal(parameters, network.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(multiplyAdds, (MacCounter.Count(network, data) - (1000 * channels)) / 1e6, 0.6);
    }

    [Theory]
    [InlineData(2, 0.5)]
    [InlineData(5, 1.0)]
    public void ShuffleNetV1_GroupsWithoutPublishedWidths_AreRefused(int groups, double width)
    {
        var options = new ShuffleNetV1Options { Groups = groups, Width = width };
        var errors = new ConfigErrors();
        options.Check(YamlConfig.Parse($"groups: {groups}", errors)!, errors);
        Assert.Equal("groups", Assert.Single(errors.All).Path);
        Assert.Contains("groups", Assert.Throws<ArgumentException>(() => Create("shufflenet_v1", options, SampleData.Images(3, 224, 1000))).Message, StringComparison.Ordinal);
    }

    /// <summary>The wide network of table 4 of its paper has 36.5 million parameters and CIFAR's ResNet-50 of distillation papers 23.7.</summary>
    [Fact]
    public void Cifar_LargeTeachers_HaveThePapersMillions()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(36.5, Millions("wrn_28_10", new NamedModelOptions(), 10), 0.05);
        Assert.Equal(23_705_252, Millions("resnet", new DistillSharp.Vision.Models.ResNetOptions { Depth = 50, Stem = "cifar" }, 100) * 1e6, 0.5);
    }

    /// <summary>A stem of stride 1 sees four times as many positions with the same weights; torchvision's without 900 of its classes.</summary>
    [Theory]
    [InlineData("small", 2_542_856 - (900 * 1025))]
    [InlineData("large", 5_483_032 - (900 * 1281))]
    public void Cifar_MobileNetV3_IsThatOfImageNetAtTwiceTheResolution(string size, long parameters)
    {
        using var scope = NewDisposeScope();
        var (small, whole) = (SampleData.Images(3, 32, 100), SampleData.Images(3, 64, 100));
        var network = Create($"cifar_mobilenet_v3_{size}", new NamedModelOptions(), small);
        var published = Create($"mobilenet_v3_{size}", new NamedModelOptions(), whole);
        Assert.Equal(parameters, network.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(MacCounter.Count(published, whole), MacCounter.Count(network, small));
    }

    [Fact]
    public void WithoutValues_Network_HasNamesAndShapesOfARealOne()
    {
        using var scope = NewDisposeScope();
        var zoo = ZooCase.All["resnet of bottlenecks"];
        var (real, shapes) = (zoo.Create(), VisionModelFigures.WithoutValues(zoo.Spec, zoo.Data));
        Assert.Equal(real.state_dict().Select(entry => (entry.Key, string.Join('×', entry.Value.shape))), shapes.state_dict().Select(entry => (entry.Key, string.Join('×', entry.Value.shape))));
        Assert.All(shapes.parameters(), parameter => Assert.Equal(TorchSharp.DeviceType.META, parameter.device_type));
        Assert.All(zoo.Create().parameters(), parameter => Assert.Equal(TorchSharp.DeviceType.CPU, parameter.device_type));
    }

    private static double Millions(string name, object options, int classes) =>
        Create(name, options, SampleData.Images(3, 32, classes)).parameters().Sum(parameter => parameter.numel()) / 1e6;

    private static SingleInputNetwork Create(string name, object options, DistillSharp.Data.DatasetInfo data) =>
        VisionModelFigures.WithoutValues(new ModelSpec(Catalogs.Default().Models.Find(name)!, options), data);
}
