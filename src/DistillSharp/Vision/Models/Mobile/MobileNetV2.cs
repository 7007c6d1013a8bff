using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="MobileNetV2"/>.</summary>
public sealed record MobileNetV2Options
{
    /// <summary>Share of the published channels.</summary>
    [Option("Factor on all channels, rounded to multiples of 8, such as 0.5 or 1.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 1;

    /// <summary>Share of the classifier's inputs dropped in training.</summary>
    [Option("Share of the classifier's inputs dropped in training.", Min = 0, Max = 0.99)]
    public double Dropout { get; init; } = 0.2;

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "features.0"),
        new FeaturePoint("layer1", "features.3"),
        new FeaturePoint("layer2", "features.6"),
        new FeaturePoint("layer3", "features.13"),
        new FeaturePoint("layer4", "features.17"),
        new FeaturePoint("penultimate", "classifier.1", FeatureSide.Input),
        new FeaturePoint("logits", "classifier.1"),
    ];
}

/// <summary>
/// MobileNet V2 for ImageNet (Sandler et al., 2018, table 2) with torchvision's parameter names. Feature points: <c>stem</c>,
/// <c>layer1</c>–<c>layer4</c> (the last block of a resolution: 1/4 to 1/32; no ReLU ends it), <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class MobileNetV2 : LayeredNetwork
{
    private static readonly (int Expansion, int Channels, int Blocks, int Stride)[] Stages =
    [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ];

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images.</exception>
    public MobileNetV2(MobileNetV2Options options, DatasetInfo data)
        : base("mobilenet_v2")
    {
        var (channels, _, _) = InputShapes.Image(data, "mobilenet_v2");
        var classes = InputShapes.Classes(data, "mobilenet_v2");
        var inputs = ChannelWidths.Divisible(32 * options.WidthMultiplier);
        var features = new List<nn.Module<Tensor, Tensor>> { Layers.ConvolutionNorm(channels, inputs, 3, 2, nn.ReLU6()) };
        foreach (var (expansion, width, blocks, stride) in Stages)
        {
            var outputs = ChannelWidths.Divisible(width * options.WidthMultiplier);
            for (var block = 0; block < blocks; block++)
            {
                features.Add(Block(inputs, outputs, expansion, block == 0 ? stride : 1));
                inputs = outputs;
            }
        }

        var last = ChannelWidths.Divisible(1280 * Math.Max(1, options.WidthMultiplier));
        features.Add(Layers.ConvolutionNorm(inputs, last, 1, 1, nn.ReLU6()));
        Append("features", Layers.Chain(features));
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("classifier", Layers.Chain(new InvertedDropout(options.Dropout), Layers.Linear(last, classes)));
        FeaturePoints = MobileNetV2Options.FeaturePoints();
        Initialization.KaimingWithSmallClassifier(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "classifier.1";

    internal static ModelFamily<MobileNetV2Options> Family { get; } = new(
        "mobilenet_v2",
        "Inverted residual blocks with linear bottlenecks, of any width, for ImageNet.",
        "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
        _ => MobileNetV2Options.FeaturePoints(),
        (options, data) => new MobileNetV2(options, data));

    private static ResidualBranch Block(long inputs, long outputs, int expansion, int stride)
    {
        var hidden = inputs * expansion;
        var layers = new List<nn.Module<Tensor, Tensor>>
        {
            Layers.ConvolutionNorm(hidden, hidden, 3, stride, nn.ReLU6(), groups: hidden),
            Layers.Convolution(hidden, outputs, 1),
            Layers.Norm(outputs),
        };
        if (expansion != 1)
        {
            layers.Insert(0, Layers.ConvolutionNorm(inputs, hidden, 1, 1, nn.ReLU6()));
        }

        return new ResidualBranch("conv", Layers.Chain(layers), stride == 1 && inputs == outputs);
    }
}
