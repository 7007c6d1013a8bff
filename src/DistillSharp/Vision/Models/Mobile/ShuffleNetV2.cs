using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="ShuffleNetV2"/>.</summary>
public sealed record ShuffleNetV2Options : ICheckedOptions
{
    /// <summary>Which of the published widths.</summary>
    [Option("0.5, 1, 1.5 or 2: the published widths.")]
    public double Width { get; init; } = 1;

    // Stages, then the last convolution.
    internal IReadOnlyList<long> Channels => Width switch
    {
        0.5 => [48, 96, 192, 1024],
        1 => [116, 232, 464, 1024],
        1.5 => [176, 352, 704, 1024],
        2 => [244, 488, 976, 2048],
        _ => throw new ArgumentException($"shufflenet_v2: width must be 0.5, 1, 1.5 or 2; it is {Width}"),
    };

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Width is not (0.5 or 1 or 1.5 or 2))
        {
            errors.Add(node.PathOf("width"), $"must be 0.5, 1, 1.5 or 2; it is {Width}", node.Line);
        }
    }

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "maxpool"),
        .. Enumerable.Range(1, 3).Select(stage => new FeaturePoint($"layer{stage}", $"stage{stage + 1}")),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// ShuffleNet V2 for ImageNet (Ma et al., 2018, table 5) with torchvision's parameter names. Feature points: <c>stem</c> (what the first
/// stage is given), <c>layer1</c>–<c>layer3</c> (stages 2 to 4), <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class ShuffleNetV2 : LayeredNetwork
{
    private const long StemChannels = 24;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or there is no network of that width.</exception>
    public ShuffleNetV2(ShuffleNetV2Options options, DatasetInfo data)
        : base("shufflenet_v2")
    {
        var (channels, _, _) = InputShapes.Image(data, "shufflenet_v2");
        var classes = InputShapes.Classes(data, "shufflenet_v2");
        Append("conv1", Layers.ConvolutionNorm(channels, StemChannels, 3, 2, nn.ReLU()));
        Append("maxpool", nn.MaxPool2d(3, stride: 2, padding: 1));
        var inputs = StemChannels;
        foreach (var (stage, units) in new[] { 4, 8, 4 }.Index())
        {
            var (given, outputs) = (inputs, options.Channels[stage]);
            Append($"stage{stage + 2}", Layers.Chain(Enumerable.Range(0, units).Select(unit => unit == 0 ? Halving(given, outputs / 2) : Unit(outputs / 2))));
            inputs = outputs;
        }

        Append("conv5", Layers.ConvolutionNorm(inputs, options.Channels[3], 1, 1, nn.ReLU()));
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("fc", Layers.Linear(options.Channels[3], classes));
        FeaturePoints = ShuffleNetV2Options.FeaturePoints();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";

    internal static ModelFamily<ShuffleNetV2Options> Family { get; } = new(
        "shufflenet_v2",
        "Halves of the channels convolved in turn and shuffled, of four widths, for ImageNet.",
        "Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, ECCV 2018",
        _ => ShuffleNetV2Options.FeaturePoints(),
        (options, data) => new ShuffleNetV2(options, data));

    private static SplitShuffleUnit Halving(long inputs, long half) => new(
        [("branch1", Layers.Chain(
            Layers.Convolution(inputs, inputs, 3, 2, groups: inputs), Layers.Norm(inputs), Layers.Convolution(inputs, half, 1), Layers.Norm(half), nn.ReLU()))],
        [("branch2", Branch(inputs, half, 2))]);

    private static SplitShuffleUnit Unit(long half) => new([], [("branch2", Branch(half, half, 1))]);

    private static TorchSharp.Modules.Sequential Branch(long inputs, long half, int stride) => Layers.Chain(
        Layers.Convolution(inputs, half, 1),
        Layers.Norm(half),
        nn.ReLU(),
        Layers.Convolution(half, half, 3, stride, groups: half),
        Layers.Norm(half),
        Layers.Convolution(half, half, 1),
        Layers.Norm(half),
        nn.ReLU());
}
