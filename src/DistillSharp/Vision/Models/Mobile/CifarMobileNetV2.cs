using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="CifarMobileNetV2"/>.</summary>
public sealed record CifarMobileNetV2Options
{
    /// <summary>Share of the published channels.</summary>
    [Option("Factor on all channels but the last layer's; 0.5 in distillation papers.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 0.5;

    /// <summary>How much wider a block is inside.</summary>
    [Option("How many times wider a block is inside than its input.", Min = 1, Max = 16)]
    public int Expansion { get; init; } = 6;

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "conv1"),
        new FeaturePoint("layer1", "blocks.1"),
        new FeaturePoint("layer2", "blocks.2"),
        new FeaturePoint("layer3", "blocks.4"),
        new FeaturePoint("layer4", "blocks.6"),
        new FeaturePoint("penultimate", "classifier.0", FeatureSide.Input),
        new FeaturePoint("logits", "classifier.0"),
    ];
}

/// <summary>
/// MobileNet V2 for small images as distillation papers use it: strides for 32×32, ReLU in place of ReLU6, and the parameter names of
/// "Contrastive Representation Distillation". Feature points: <c>stem</c>, <c>layer1</c>–<c>layer4</c> (1/2 to 1/16 of the image; no
/// ReLU ends them), <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class CifarMobileNetV2 : LayeredNetwork
{
    private static readonly (int Channels, int Blocks, int Stride)[] Stages =
    [
        (16, 1, 1), (24, 2, 1), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1),
    ];

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images.</exception>
    public CifarMobileNetV2(CifarMobileNetV2Options options, DatasetInfo data)
        : base("cifar_mobilenet_v2")
    {
        var (channels, _, _) = InputShapes.Image(data, "cifar_mobilenet_v2");
        var classes = InputShapes.Classes(data, "cifar_mobilenet_v2");
        var inputs = ChannelWidths.Down(32 * options.WidthMultiplier);
        Append("conv1", Layers.ConvolutionNorm(channels, inputs, 3, 2, nn.ReLU()));
        var stages = new List<nn.Module<Tensor, Tensor>>();
        foreach (var (index, (width, blocks, stride)) in Stages.Index())
        {
            var outputs = ChannelWidths.Down(width * options.WidthMultiplier);
            var stage = new List<nn.Module<Tensor, Tensor>>();
            for (var block = 0; block < blocks; block++)
            {
                stage.Add(Block(inputs, outputs, index == 0 ? 1 : options.Expansion, block == 0 ? stride : 1));
                inputs = outputs;
            }

            stages.Add(Layers.Chain(stage));
        }

        var last = ChannelWidths.Down(1280 * Math.Max(1, options.WidthMultiplier));
        Append("blocks", Layers.Chain(stages));
        Append("conv2", Layers.ConvolutionNorm(inputs, last, 1, 1, nn.ReLU()));
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("classifier", Layers.Chain(Layers.Linear(last, classes)));
        FeaturePoints = CifarMobileNetV2Options.FeaturePoints();
        Initialization.KaimingWithSmallClassifier(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "classifier.0";

    internal static ModelFamily<CifarMobileNetV2Options> Family { get; } = new(
        "cifar_mobilenet_v2",
        "Inverted residual blocks with linear bottlenecks, of any width, for small images.",
        "Sandler et al., MobileNetV2, CVPR 2018; form of Tian et al., Contrastive Representation Distillation, ICLR 2020",
        _ => CifarMobileNetV2Options.FeaturePoints(),
        (options, data) => new CifarMobileNetV2(options, data));

    private static ResidualBranch Block(long inputs, long outputs, int expansion, int stride)
    {
        var hidden = inputs * expansion;
        var layers = Layers.Chain(
            Layers.Convolution(inputs, hidden, 1),
            Layers.Norm(hidden),
            nn.ReLU(),
            Layers.Convolution(hidden, hidden, 3, stride, groups: hidden),
            Layers.Norm(hidden),
            nn.ReLU(),
            Layers.Convolution(hidden, outputs, 1),
            Layers.Norm(outputs));
        return new ResidualBranch("conv", layers, stride == 1 && inputs == outputs);
    }
}
