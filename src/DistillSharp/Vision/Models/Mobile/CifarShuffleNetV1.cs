using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="CifarShuffleNetV1"/>.</summary>
public sealed record CifarShuffleNetV1Options
{
    private static readonly int[] UnitsOf = [4, 8, 4];

    /// <summary>Share of the published channels.</summary>
    [Option("Factor on the 240, 480 and 960 channels of the stages, which are rounded to multiples of 12 and are at least 36, 72 and 144.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 1;

    internal static IReadOnlyList<int> Units => UnitsOf;

    // A quarter of the channels must fall into three groups.
    internal long FirstStage => 12 * Math.Max(3, (long)Math.Round(20 * WidthMultiplier));

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "relu"),
        .. Enumerable.Range(1, 3).SelectMany(stage => new[]
        {
            new FeaturePoint($"layer{stage}.preact", $"layer{stage}.{UnitsOf[stage - 1] - 1}.relu3", FeatureSide.Input),
            new FeaturePoint($"layer{stage}", $"layer{stage}"),
        }),
        new FeaturePoint("penultimate", "linear", FeatureSide.Input),
        new FeaturePoint("logits", "linear"),
    ];
}

/// <summary>
/// ShuffleNet V1 with three groups for small images, as distillation papers use it, with the parameter names of "Contrastive
/// Representation Distillation". Feature points: <c>stem</c>, <c>layer1</c>–<c>layer3</c>, <c>layerK.preact</c>, <c>penultimate</c>,
/// <c>logits</c>.
/// </summary>
public sealed class CifarShuffleNetV1 : LayeredNetwork
{
    private const long StemChannels = 24;
    private const long Groups = 3;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images.</exception>
    public CifarShuffleNetV1(CifarShuffleNetV1Options options, DatasetInfo data)
        : base("cifar_shufflenet_v1")
    {
        var (channels, _, _) = InputShapes.Image(data, "cifar_shufflenet_v1");
        var classes = InputShapes.Classes(data, "cifar_shufflenet_v1");
        Append("conv1", Layers.Convolution(channels, StemChannels, 1));
        Append("bn1", Layers.Norm(StemChannels));
        Append("relu", nn.ReLU());
        var inputs = StemChannels;
        for (var stage = 0; stage < 3; stage++)
        {
            var outputs = options.FirstStage << stage;
            var given = inputs;
            Append($"layer{stage + 1}", Layers.Chain(Enumerable.Range(0, CifarShuffleNetV1Options.Units[stage]).Select(unit =>
                new GroupedShuffleUnit(unit == 0 ? given : outputs, outputs, unit == 0, Groups, given == StemChannels && unit == 0 ? 1 : Groups))));
            inputs = outputs;
        }

        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("linear", Layers.Linear(inputs, classes));
        FeaturePoints = CifarShuffleNetV1Options.FeaturePoints();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "linear";

    internal static ModelFamily<CifarShuffleNetV1Options> Family { get; } = new(
        "cifar_shufflenet_v1",
        "Grouped pointwise convolutions with shuffled channels, of any width, for small images.",
        "Zhang et al., ShuffleNet, CVPR 2018; form of Tian et al., Contrastive Representation Distillation, ICLR 2020",
        _ => CifarShuffleNetV1Options.FeaturePoints(),
        (options, data) => new CifarShuffleNetV1(options, data));
}
