using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>Options of <see cref="WideResNet"/>.</summary>
public sealed record WideResNetOptions : ICheckedOptions
{
    /// <summary>Layers with weights, 6n+4.</summary>
    [Option("Layers with weights: 6n+4, such as 16, 28 or 40.", Min = 10, Max = 1000)]
    public int Depth { get; init; } = 16;

    /// <summary>Channels are 16k, 32k and 64k.</summary>
    [Option("k for 16k, 32k and 64k channels in the three stages.", Min = 1, Max = 64)]
    public int WidthMultiplier { get; init; } = 2;

    /// <summary>Share dropped between the convolutions of a block.</summary>
    [Option("Share of values dropped between the two convolutions of a block in training.", Min = 0, Max = 0.99)]
    public double Dropout { get; init; }

    internal int BlocksPerStage => (Depth - 4) / 6;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if ((Depth - 4) % 6 != 0)
        {
            errors.Add(node.PathOf("depth"), $"must be 6n+4, such as 16, 28 or 40; it is {Depth}", node.Line);
        }
    }

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "conv1"),
        new FeaturePoint("layer1", "block1"),
        new FeaturePoint("layer1.preact", "block2.layer.0.relu1", FeatureSide.Input),
        new FeaturePoint("layer2", "block2"),
        new FeaturePoint("layer2.preact", "block3.layer.0.relu1", FeatureSide.Input),
        new FeaturePoint("layer3", "block3"),
        new FeaturePoint("layer3.preact", "relu", FeatureSide.Input),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// Wide residual network for small images (Zagoruyko and Komodakis, 2016), with the parameter names of "Contrastive Representation
/// Distillation". Feature points: <c>stem</c>, <c>layer1</c>–<c>layer3</c> (sums of the residual branches, not yet normalised),
/// <c>layerK.preact</c> (the same after batch-norm, before the ReLU), <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class WideResNet : LayeredNetwork
{
    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or the depth is not 6n+4.</exception>
    public WideResNet(WideResNetOptions options, DatasetInfo data)
        : base("wide_resnet")
    {
        if (options.Depth < 10 || (options.Depth - 4) % 6 != 0)
        {
            throw new ArgumentException($"wide_resnet: depth must be 6n+4 (10, 16, 22, …); it is {options.Depth}");
        }

        var (channels, _, _) = InputShapes.Image(data, "wide_resnet");
        var classes = InputShapes.Classes(data, "wide_resnet");
        Append("conv1", Layers.Convolution(channels, 16, 3));
        long inputs = 16;
        for (var stage = 0; stage < 3; stage++)
        {
            var outputs = (16L * options.WidthMultiplier) << stage;
            Append($"block{stage + 1}", Stage(inputs, outputs, options, stage == 0 ? 1 : 2));
            inputs = outputs;
        }

        Append("bn1", Layers.Norm(inputs));
        Append("relu", nn.ReLU());
        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        var classifier = Layers.Linear(inputs, classes);
        Append("fc", classifier);
        FeaturePoints = options.FeaturePoints();
        Initialization.KaimingConvolutions(this);
        nn.init.zeros_(classifier.bias!);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";

    internal static ModelFamily<WideResNetOptions> Family { get; } = new(
        "wide_resnet",
        "Wide residual network of three stages for small images, of any depth 6n+4.",
        "Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016",
        options => options.FeaturePoints(),
        (options, data) => new WideResNet(options, data));

    private static TorchSharp.Modules.Sequential Stage(long inputs, long outputs, WideResNetOptions options, int stride) => nn.Sequential(
        ("layer", (nn.Module<Tensor, Tensor>)Layers.Chain(Enumerable.Range(0, options.BlocksPerStage).Select(index =>
            new WideBlock(index == 0 ? inputs : outputs, outputs, index == 0 ? stride : 1, options.Dropout)))));
}
