using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="CifarShuffleNetV2"/>.</summary>
public sealed record CifarShuffleNetV2Options : ICheckedOptions
{
    /// <summary>Which of the widths.</summary>
    [Option("0.2, 0.3, 0.5, 1, 1.5 or 2: the widths of the form for small images; 0.2 has the channels of 0.3 and fewer units.")]
    public double Width { get; init; } = 1;

    // Stages, then the last convolution. The 224 are those of the published code, where the paper's 2 has 244.
    internal IReadOnlyList<long> Channels => Width switch
    {
        0.2 or 0.3 => [40, 80, 160, 512],
        0.5 => [48, 96, 192, 1024],
        1 => [116, 232, 464, 1024],
        1.5 => [176, 352, 704, 1024],
        2 => [224, 488, 976, 2048],
        _ => throw new ArgumentException($"cifar_shufflenet_v2: width must be 0.2, 0.3, 0.5, 1, 1.5 or 2; it is {Width}"),
    };

    // Of each stage, the one that halves included.
    internal IReadOnlyList<int> Units => Width == 0.2 ? [4, 4, 4] : [4, 8, 4];

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Width is not (0.2 or 0.3 or 0.5 or 1 or 1.5 or 2))
        {
            errors.Add(node.PathOf("width"), $"must be 0.2, 0.3, 0.5, 1, 1.5 or 2; it is {Width}", node.Line);
        }
    }

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "relu"),
        .. Enumerable.Range(1, 3).Select(stage => new FeaturePoint($"layer{stage}", $"layer{stage}")),
        new FeaturePoint("penultimate", "linear", FeatureSide.Input),
        new FeaturePoint("logits", "linear"),
    ];
}

/// <summary>
/// ShuffleNet V2 for small images, as distillation papers use it, with the parameter names of "Contrastive Representation
/// Distillation". Feature points: <c>stem</c>, <c>layer1</c>–<c>layer3</c>, <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class CifarShuffleNetV2 : LayeredNetwork
{
    private const long StemChannels = 24;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or there is no network of that width.</exception>
    public CifarShuffleNetV2(CifarShuffleNetV2Options options, DatasetInfo data)
        : base("cifar_shufflenet_v2")
    {
        var (channels, _, _) = InputShapes.Image(data, "cifar_shufflenet_v2");
        var classes = InputShapes.Classes(data, "cifar_shufflenet_v2");
        Append("conv1", Layers.Convolution(channels, StemChannels, 1));
        Append("bn1", Layers.Norm(StemChannels));
        Append("relu", nn.ReLU());
        var inputs = StemChannels;
        foreach (var (stage, units) in options.Units.Index())
        {
            var (given, outputs) = (inputs, options.Channels[stage]);
            Append($"layer{stage + 1}", Layers.Chain(Enumerable.Range(0, units).Select(unit => unit == 0 ? Halving(given, outputs / 2) : Unit(outputs / 2))));
            inputs = outputs;
        }

        Append("conv2", Layers.Convolution(inputs, options.Channels[3], 1));
        Append("bn2", Layers.Norm(options.Channels[3]));
        Append("relu2", nn.ReLU());
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("linear", Layers.Linear(options.Channels[3], classes));
        FeaturePoints = CifarShuffleNetV2Options.FeaturePoints();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "linear";

    internal static ModelFamily<CifarShuffleNetV2Options> Family { get; } = new(
        "cifar_shufflenet_v2",
        "Halves of the channels convolved in turn and shuffled, of six widths, for small images.",
        "Ma et al., ShuffleNet V2, ECCV 2018; form of Tian et al., Contrastive Representation Distillation, ICLR 2020",
        _ => CifarShuffleNetV2Options.FeaturePoints(),
        (options, data) => new CifarShuffleNetV2(options, data));

    private static SplitShuffleUnit Halving(long inputs, long half) => new(
        [
            ("conv1", Layers.Convolution(inputs, inputs, 3, 2, groups: inputs)), ("bn1", Layers.Norm(inputs)),
            ("conv2", Layers.Convolution(inputs, half, 1)), ("bn2", Layers.Norm(half)), ("relu2", nn.ReLU()),
        ],
        [
            ("conv3", Layers.Convolution(inputs, half, 1)), ("bn3", Layers.Norm(half)), ("relu3", nn.ReLU()),
            ("conv4", Layers.Convolution(half, half, 3, 2, groups: half)), ("bn4", Layers.Norm(half)),
            ("conv5", Layers.Convolution(half, half, 1)), ("bn5", Layers.Norm(half)), ("relu5", nn.ReLU()),
        ]);

    private static SplitShuffleUnit Unit(long half) => new(
        [],
        [
            ("conv1", Layers.Convolution(half, half, 1)), ("bn1", Layers.Norm(half)), ("relu1", nn.ReLU()),
            ("conv2", Layers.Convolution(half, half, 3, groups: half)), ("bn2", Layers.Norm(half)),
            ("conv3", Layers.Convolution(half, half, 1)), ("bn3", Layers.Norm(half)), ("relu3", nn.ReLU()),
        ]);
}
