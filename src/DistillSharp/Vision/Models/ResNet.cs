using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>Options of <see cref="ResNet"/>.</summary>
public sealed record ResNetOptions : ICheckedOptions
{
    /// <summary>Layers with weights.</summary>
    [Option("Layers with weights: 18, 34, 50, 101 or 152; from 50 on of bottleneck blocks.")]
    public int Depth { get; init; } = 18;

    /// <summary>What comes before the first stage.</summary>
    [Option("imagenet: a 7×7 convolution and a max-pooling, both of stride 2; cifar: one 3×3 convolution of stride 1.", OneOf = ["imagenet", "cifar"])]
    public string Stem { get; init; } = "imagenet";

    /// <summary>Channels of the first stage.</summary>
    [Option("Channels of the stem and of the first stage's 3×3 convolutions; every further stage has twice as many.", Min = 1, Max = 4096)]
    public int Width { get; init; } = 64;

    /// <summary>How many times as wide the convolutions within a bottleneck block are.</summary>
    [Option("Factor on the channels within bottleneck blocks: 2 in the wide networks of Zagoruyko and Komodakis.", Min = 1, Max = 16)]
    public int InnerMultiplier { get; init; } = 1;

    /// <summary>Depths that there are.</summary>
    internal static IReadOnlyList<int> Depths { get; } = [18, 34, 50, 101, 152];

    internal bool HasBottlenecks => Depth >= 50;

    internal IReadOnlyList<int> Blocks => Depth switch
    {
        18 => [2, 2, 2, 2],
        34 or 50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        152 => [3, 8, 36, 3],
        _ => throw new ArgumentException($"resnet: depth must be {string.Join(", ", Depths)}; it is {Depth}"),
    };

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (!Depths.Contains(Depth))
        {
            errors.Add(node.PathOf("depth"), $"must be one of {string.Join(", ", Depths)}; it is {Depth}", node.Line);
        }
        else if (InnerMultiplier > 1 && !HasBottlenecks)
        {
            errors.Add(node.PathOf("inner_multiplier"), $"needs bottleneck blocks, which networks of 50 layers and more have; depth is {Depth}", node.Line);
        }
    }

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", Stem == "imagenet" ? "maxpool" : "relu"),
        .. Enumerable.Range(1, 4).SelectMany(stage => new[]
        {
            new FeaturePoint($"layer{stage}.preact", $"layer{stage}.{Blocks[stage - 1] - 1}.{(HasBottlenecks ? "relu3" : "relu2")}", FeatureSide.Input),
            new FeaturePoint($"layer{stage}", $"layer{stage}"),
        }),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// Residual network of four stages (He et al., 2016, table 1), with torchvision's parameter names. Feature points: <c>stem</c> (what
/// the first stage is given), <c>layer1</c>–<c>layer4</c>, <c>layerK.preact</c>, <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class ResNet : LayeredNetwork
{
    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or there is no network of that depth.</exception>
    public ResNet(ResNetOptions options, DatasetInfo data)
        : base("resnet")
    {
        var (channels, _, _) = InputShapes.Image(data, "resnet");
        var classes = InputShapes.Classes(data, "resnet");
        var blocks = options.Blocks;
        var imageNet = options.Stem == "imagenet";
        Append("conv1", Layers.Convolution(channels, options.Width, imageNet ? 7 : 3, imageNet ? 2 : 1));
        Append("bn1", Layers.Norm(options.Width));
        Append("relu", nn.ReLU());
        if (imageNet)
        {
            Append("maxpool", nn.MaxPool2d(3, stride: 2, padding: 1));
        }

        long inputs = options.Width;
        for (var stage = 0; stage < 4; stage++)
        {
            var width = (long)options.Width << stage;
            Append($"layer{stage + 1}", Stage(options, inputs, width, blocks[stage], stage == 0 ? 1 : 2));
            inputs = options.HasBottlenecks ? width * Bottleneck.Expansion : width;
        }

        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("fc", Layers.Linear(inputs, classes));
        FeaturePoints = options.FeaturePoints();
        Initialization.KaimingConvolutions(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";

    internal static ModelFamily<ResNetOptions> Family { get; } = new(
        "resnet",
        "Residual network of four stages and 18 to 152 layers, with the stem for ImageNet or for small images.",
        "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
        options => options.FeaturePoints(),
        (options, data) => new ResNet(options, data));

    private static TorchSharp.Modules.Sequential Stage(ResNetOptions options, long inputs, long width, int blocks, int stride) =>
        Layers.Chain(Enumerable.Range(0, blocks).Select<int, nn.Module<Tensor, Tensor>>(index => options.HasBottlenecks
            ? new Bottleneck(index == 0 ? inputs : width * Bottleneck.Expansion, width, index == 0 ? stride : 1, options.InnerMultiplier)
            : new BasicBlock(index == 0 ? inputs : width, width, index == 0 ? stride : 1)));
}
