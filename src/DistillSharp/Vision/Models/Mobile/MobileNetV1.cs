using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="MobileNetV1"/>.</summary>
public sealed record MobileNetV1Options
{
    /// <summary>Share of the published channels.</summary>
    [Option("Factor on all channels, such as 0.25, 0.5 or 1.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 1;

    /// <summary>Stride of the first convolution.</summary>
    [Option("Stride of the first convolution: 2 as published, 1 for small images.", Min = 1, Max = 2)]
    public int StemStride { get; init; } = 2;

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "model.0"),
        .. new[] { 3, 5, 11, 13 }.SelectMany((block, index) => new[]
        {
            new FeaturePoint($"layer{index + 1}.preact", $"model.{block}.5", FeatureSide.Input),
            new FeaturePoint($"layer{index + 1}", $"model.{block}"),
        }),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// MobileNet V1 (Howard et al., 2017, table 1), with the parameter names of its usual PyTorch form (<c>model.N</c>, <c>fc</c>). Feature
/// points: <c>stem</c>, <c>layer1</c>–<c>layer4</c> (the last block of a resolution: 1/4 to 1/32), <c>layerK.preact</c>,
/// <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class MobileNetV1 : LayeredNetwork
{
    private static readonly (int Outputs, int Stride)[] Blocks =
    [
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
    ];

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images.</exception>
    public MobileNetV1(MobileNetV1Options options, DatasetInfo data)
        : base("mobilenet_v1")
    {
        var (channels, _, _) = InputShapes.Image(data, "mobilenet_v1");
        var classes = InputShapes.Classes(data, "mobilenet_v1");
        var inputs = ChannelWidths.Down(32 * options.WidthMultiplier);
        var model = new List<nn.Module<Tensor, Tensor>> { Layers.ConvolutionNorm(channels, inputs, 3, options.StemStride, nn.ReLU()) };
        foreach (var (width, stride) in Blocks)
        {
            var outputs = ChannelWidths.Down(width * options.WidthMultiplier);
            model.Add(Layers.Chain(
                Layers.Convolution(inputs, inputs, 3, stride, groups: inputs),
                Layers.Norm(inputs),
                nn.ReLU(),
                Layers.Convolution(inputs, outputs, 1),
                Layers.Norm(outputs),
                nn.ReLU()));
            inputs = outputs;
        }

        Append("model", Layers.Chain(model));
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("fc", Layers.Linear(inputs, classes));
        FeaturePoints = MobileNetV1Options.FeaturePoints();
        Initialization.KaimingConvolutions(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";

    internal static ModelFamily<MobileNetV1Options> Family { get; } = new(
        "mobilenet_v1",
        "Depthwise and pointwise convolutions in turn, of any width, for ImageNet or small images.",
        "Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017",
        _ => MobileNetV1Options.FeaturePoints(),
        (options, data) => new MobileNetV1(options, data));
}
