using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Options of <see cref="MobileNetV3"/>.</summary>
public sealed record MobileNetV3Options
{
    /// <summary>Which of the two networks.</summary>
    [Option("small or large: the two networks of the paper.", OneOf = ["small", "large"])]
    public string Size { get; init; } = "small";

    /// <summary>Share of the published channels.</summary>
    [Option("Factor on all channels, rounded to multiples of 8.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 1;

    /// <summary>Share of the classifier's inputs dropped in training.</summary>
    [Option("Share of the classifier's inputs dropped in training.", Min = 0, Max = 0.99)]
    public double Dropout { get; init; } = 0.2;

    /// <summary>Stride of the first convolution.</summary>
    [Option("Stride of the first convolution: 2 as published, 1 for small images.", Min = 1, Max = 2)]
    public int StemStride { get; init; } = 2;

    internal IReadOnlyList<FeaturePoint> FeaturePoints()
    {
        int[] stages = Size == "small" ? [1, 3, 8, 11] : [3, 6, 12, 15];
        return
        [
            new FeaturePoint("stem", "features.0"),
            .. stages.Select((block, index) => new FeaturePoint($"layer{index + 1}", $"features.{block}")),
            new FeaturePoint("penultimate", "classifier.3", FeatureSide.Input),
            new FeaturePoint("logits", "classifier.3"),
        ];
    }
}

/// <summary>
/// MobileNet V3 (Howard et al., 2019, tables 1 and 2) with torchvision's parameter names. Feature points: <c>stem</c>,
/// <c>layer1</c>–<c>layer4</c> (the last block of a resolution: 1/4 to 1/32; no ReLU ends it), <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class MobileNetV3 : LayeredNetwork
{
    private static readonly Block[] Large =
    [
        new(3, 16, 16, false, false, 1), new(3, 64, 24, false, false, 2), new(3, 72, 24, false, false, 1), new(5, 72, 40, true, false, 2),
        new(5, 120, 40, true, false, 1), new(5, 120, 40, true, false, 1), new(3, 240, 80, false, true, 2), new(3, 200, 80, false, true, 1),
        new(3, 184, 80, false, true, 1), new(3, 184, 80, false, true, 1), new(3, 480, 112, true, true, 1), new(3, 672, 112, true, true, 1),
        new(5, 672, 160, true, true, 2), new(5, 960, 160, true, true, 1), new(5, 960, 160, true, true, 1),
    ];

    private static readonly Block[] Small =
    [
        new(3, 16, 16, true, false, 2), new(3, 72, 24, false, false, 2), new(3, 88, 24, false, false, 1), new(5, 96, 40, true, true, 2),
        new(5, 240, 40, true, true, 1), new(5, 240, 40, true, true, 1), new(5, 120, 48, true, true, 1), new(5, 144, 48, true, true, 1),
        new(5, 288, 96, true, true, 2), new(5, 576, 96, true, true, 1), new(5, 576, 96, true, true, 1),
    ];

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images.</exception>
    public MobileNetV3(MobileNetV3Options options, DatasetInfo data)
        : base("mobilenet_v3")
    {
        var (channels, _, _) = InputShapes.Image(data, "mobilenet_v3");
        var classes = InputShapes.Classes(data, "mobilenet_v3");
        long Scaled(int width) => ChannelWidths.Divisible(width * options.WidthMultiplier);
        var inputs = Scaled(16);
        var features = new List<nn.Module<Tensor, Tensor>> { Layers.Chain(Convolution(channels, inputs, 3, options.StemStride, nn.Hardswish())) };
        foreach (var block in options.Size == "small" ? Small : Large)
        {
            features.Add(Build(block, inputs, Scaled(block.Expanded), Scaled(block.Outputs)));
            inputs = Scaled(block.Outputs);
        }

        var last = 6 * inputs;
        var hidden = Scaled(options.Size == "small" ? 1024 : 1280);
        features.Add(Layers.Chain(Convolution(inputs, last, 1, 1, nn.Hardswish())));
        Append("features", Layers.Chain(features));
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("classifier", Layers.Chain(Layers.Linear(last, hidden), nn.Hardswish(), new InvertedDropout(options.Dropout), Layers.Linear(hidden, classes)));
        FeaturePoints = options.FeaturePoints();
        Initialization.KaimingWithSmallClassifier(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "classifier.3";

    internal static ModelFamily<MobileNetV3Options> Family { get; } = new(
        "mobilenet_v3",
        "Inverted residual blocks with squeeze-excitation and hard swish, small or large, for ImageNet or small images.",
        "Howard et al., Searching for MobileNetV3, ICCV 2019",
        options => options.FeaturePoints(),
        (options, data) => new MobileNetV3(options, data));

    private static ResidualBranch Build(Block block, long inputs, long expanded, long outputs)
    {
        nn.Module<Tensor, Tensor> Activation() => block.HardSwish ? nn.Hardswish() : nn.ReLU();
        var layers = new List<nn.Module<Tensor, Tensor>>();
        if (expanded != inputs)
        {
            layers.Add(Layers.Chain(Convolution(inputs, expanded, 1, 1, Activation())));
        }

        layers.Add(Layers.Chain(Convolution(expanded, expanded, block.Kernel, block.Stride, Activation(), groups: expanded)));
        if (block.Squeezes)
        {
            layers.Add(new SqueezeExcitation(expanded, ChannelWidths.Divisible(expanded / 4)));
        }

        layers.Add(Layers.Chain(Convolution(expanded, outputs, 1, 1, null)));
        return new ResidualBranch("block", Layers.Chain(layers), block.Stride == 1 && inputs == outputs);
    }

    private static IEnumerable<nn.Module<Tensor, Tensor>> Convolution(long inputs, long outputs, long kernel, long stride, nn.Module<Tensor, Tensor>? activation, long groups = 1)
    {
        yield return Layers.Convolution(inputs, outputs, kernel, stride, groups);
        yield return Layers.Norm(outputs, epsilon: 1e-3, momentum: 0.01);
        if (activation is not null)
        {
            yield return activation;
        }
    }

    private sealed record Block(int Kernel, int Expanded, int Outputs, bool Squeezes, bool HardSwish, int Stride);
}
