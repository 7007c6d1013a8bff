using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="ShuffleNetV1"/>.</summary>
public sealed record ShuffleNetV1Options : ICheckedOptions
{
    /// <summary>Which of the published widths.</summary>
    [Option("0.5, 1, 1.5 or 2: the published widths.")]
    public double Width { get; init; } = 1;

    /// <summary>Groups of the 1×1 convolutions.</summary>
    [Option("Groups of the 1×1 convolutions: 3 or 8; at width 1 also 1, 2 or 4.")]
    public int Groups { get; init; } = 3;

    internal static IReadOnlyList<int> Units { get; } = [4, 8, 4];

    // Of the stem and of the first stage; every further stage has twice as many.
    internal (long Stem, long FirstStage) Channels => Published ?? throw new ArgumentException(
        $"shufflenet_v1: width must be 0.5, 1, 1.5 or 2, and groups 3 or 8, at width 1 also 1, 2 or 4; width is {Width} and groups {Groups}");

    // Width 1 is table 1 of the paper; the others are those of its authors' code, which has them for three and eight groups.
    private (long Stem, long FirstStage)? Published => (Groups, Width) switch
    {
        (1, 1.0) => (24, 144),
        (2, 1.0) => (24, 200),
        (3, 0.5) => (12, 120),
        (3, 1.0) => (24, 240),
        (3, 1.5) => (24, 360),
        (3, 2.0) => (48, 480),
        (4, 1.0) => (24, 272),
        (8, 0.5) => (16, 192),
        (8, 1.0) => (24, 384),
        (8, 1.5) => (24, 576),
        (8, 2.0) => (48, 768),
        _ => null,
    };

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Width is not (0.5 or 1 or 1.5 or 2))
        {
            errors.Add(node.PathOf("width"), $"must be 0.5, 1, 1.5 or 2; it is {Width}", node.Line);
        }
        else if (Published is null)
        {
            errors.Add(node.PathOf("groups"), $"must be 3 or 8, at width 1 also 1, 2 or 4; it is {Groups} at width {Width}", node.Line);
        }
    }

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "maxpool"),
        .. new[] { 3, 11, 15 }.SelectMany((unit, stage) => new[]
        {
            new FeaturePoint($"layer{stage + 1}.preact", $"features.{unit}.relu", FeatureSide.Input),
            new FeaturePoint($"layer{stage + 1}", $"features.{unit}"),
        }),
        new FeaturePoint("penultimate", "classifier.0", FeatureSide.Input),
        new FeaturePoint("logits", "classifier.0"),
    ];
}

/// <summary>
/// ShuffleNet V1 for ImageNet (Zhang et al., 2018, table 1), with the parameter names of its authors' code. Feature points:
/// <c>stem</c> (what the first stage is given), <c>layer1</c>–<c>layer3</c> (stages 2 to 4), <c>layerK.preact</c>, <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class ShuffleNetV1 : LayeredNetwork
{
    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or there is no network of that width and so many groups.</exception>
    public ShuffleNetV1(ShuffleNetV1Options options, DatasetInfo data)
        : base("shufflenet_v1")
    {
        var (channels, _, _) = InputShapes.Image(data, "shufflenet_v1");
        var classes = InputShapes.Classes(data, "shufflenet_v1");
        var (inputs, outputs) = options.Channels;
        Append("first_conv", Layers.ConvolutionNorm(channels, inputs, 3, 2, nn.ReLU()));
        Append("maxpool", nn.MaxPool2d(3, stride: 2, padding: 1));
        var units = new List<nn.Module<Tensor, Tensor>>();
        foreach (var count in ShuffleNetV1Options.Units)
        {
            for (var unit = 0; unit < count; unit++)
            {
                units.Add(new BranchedShuffleUnit(inputs, outputs, unit == 0, options.Groups, units.Count == 0 ? 1 : options.Groups));
                inputs = outputs;
            }

            outputs *= 2;
        }

        Append("features", Layers.Chain(units));
        Append("globalpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("classifier", Layers.Chain(Layers.Linear(inputs, classes, bias: false)));
        FeaturePoints = ShuffleNetV1Options.FeaturePoints();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "classifier.0";

    internal static ModelFamily<ShuffleNetV1Options> Family { get; } = new(
        "shufflenet_v1",
        "Grouped pointwise convolutions with shuffled channels, of four widths and up to eight groups, for ImageNet.",
        "Zhang et al., ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices, CVPR 2018",
        _ => ShuffleNetV1Options.FeaturePoints(),
        (options, data) => new ShuffleNetV1(options, data));
}
