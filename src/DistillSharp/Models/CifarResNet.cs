using DistillSharp.Config;
using DistillSharp.Data;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>Options of <see cref="CifarResNet"/>.</summary>
public sealed record CifarResNetOptions : ICheckedOptions
{
    /// <summary>Layers with weights, 6n+2.</summary>
    [Option("Layers with weights: 6n+2, such as 8, 20, 56 or 110.", Min = 8, Max = 1202)]
    public int Depth { get; init; } = 20;

    /// <summary>1 for channels 16-16-32-64; k for 8k-16k-32k-64k, the convention of "8x4" and "32x4".</summary>
    [Option("1 for channels 16-16-32-64; k > 1 for 8k-16k-32k-64k, as in resnet8x4.", Min = 1, Max = 64)]
    public int WidthMultiplier { get; init; } = 1;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if ((Depth - 2) % 6 != 0)
        {
            errors.Add(node.PathOf("depth"), $"must be 6n+2, such as {((Depth - 2) / 6 * 6) + 2} or {((Depth - 2) / 6 * 6) + 8}; it is {Depth}", node.Line);
        }
    }

    internal int BlocksPerStage => (Depth - 2) / 6;

    internal IReadOnlyList<long> Channels => WidthMultiplier == 1
        ? [16, 16, 32, 64]
        : [8 * WidthMultiplier, 16 * WidthMultiplier, 32 * WidthMultiplier, 64 * WidthMultiplier];

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "relu"),
        .. Enumerable.Range(1, 3).SelectMany(stage => new[]
        {
            new FeaturePoint($"layer{stage}.preact", $"layer{stage}.{BlocksPerStage - 1}.relu2", FeatureSide.Input),
            new FeaturePoint($"layer{stage}", $"layer{stage}"),
        }),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// Residual network for small images (He et al., 2016, section 4.2), with a 1×1 convolution and batch-norm on shortcuts
/// that change size, as distillation papers have used it since Tian et al., 2020. Parameters are named as in torchvision.
/// Feature points: <c>stem</c>, <c>layer1</c>–<c>layer3</c> (after the ReLU), <c>layerK.preact</c> (what the last ReLU of the
/// stage is given), <c>penultimate</c> (after the average), <c>logits</c>.
/// </summary>
public sealed class CifarResNet : SingleInputNetwork
{
    /// <summary>Where the network comes from.</summary>
    public const string Paper = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016 (section 4.2)";

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly ReLU relu;
    private readonly Sequential layer1;
    private readonly Sequential layer2;
    private readonly Sequential layer3;
    private readonly AdaptiveAvgPool2d avgpool;
    private readonly Flatten flatten;
    private readonly Linear fc;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or the depth is not 6n+2.</exception>
    public CifarResNet(CifarResNetOptions options, DatasetInfo data)
        : base("cifar_resnet")
    {
        if (options.Depth < 8 || (options.Depth - 2) % 6 != 0)
        {
            throw new ArgumentException($"cifar_resnet: depth must be 6n+2 (8, 14, 20, …); it is {options.Depth}");
        }

        var image = InputShapes.Image(data, "cifar_resnet");
        var classes = InputShapes.Classes(data, "cifar_resnet");
        var channels = options.Channels;
        conv1 = Layers.Convolution(image.Channels, channels[0], 3);
        bn1 = Layers.Norm(channels[0]);
        relu = nn.ReLU();
        layer1 = Stage(channels[0], channels[1], options.BlocksPerStage, stride: 1);
        layer2 = Stage(channels[1], channels[2], options.BlocksPerStage, stride: 2);
        layer3 = Stage(channels[2], channels[3], options.BlocksPerStage, stride: 2);
        avgpool = nn.AdaptiveAvgPool2d(1);
        flatten = nn.Flatten();
        fc = Layers.Linear(channels[3], classes);
        RegisterComponents();
        FeaturePoints = options.FeaturePoints();
        Initialization.KaimingConvolutions(this);
    }

    /// <summary>Depths that have a name of their own in the catalog.</summary>
    public static IReadOnlyList<int> NamedDepths { get; } = [8, 14, 20, 32, 44, 56, 110];

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var convolved = conv1.call(input);
        using var normalised = bn1.call(convolved);
        using var stem = relu.call(normalised);
        using var stage1 = layer1.call(stem);
        using var stage2 = layer2.call(stage1);
        using var stage3 = layer3.call(stage2);
        using var pooled = avgpool.call(stage3);
        using var penultimate = flatten.call(pooled);
        return fc.call(penultimate);
    }

    /// <inheritdoc/>
    public override GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var value = graph.Module(conv1, input, nameof(conv1));
        value = graph.Module(bn1, value, nameof(bn1));
        value = graph.Module(relu, value, nameof(relu));
        value = graph.Module(layer1, value, nameof(layer1));
        value = graph.Module(layer2, value, nameof(layer2));
        value = graph.Module(layer3, value, nameof(layer3));
        value = graph.Module(avgpool, value, nameof(avgpool));
        value = graph.Module(flatten, value, nameof(flatten));
        return graph.Module(fc, value, nameof(fc));
    }

    private static Sequential Stage(long inputs, long outputs, int blocks, int stride) =>
        Layers.Chain(Enumerable.Range(0, blocks).Select(index => new BasicBlock(index == 0 ? inputs : outputs, outputs, index == 0 ? stride : 1)));
}
