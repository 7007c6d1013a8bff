using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>Options of <see cref="CifarVgg"/>.</summary>
public sealed record CifarVggOptions : ICheckedOptions
{
    /// <summary>Layers with weights of the original network.</summary>
    [Option("8, 11, 13, 16 or 19: convolutions and the three fully connected layers of the original, of which this form keeps one.")]
    public int Depth { get; init; } = 8;

    /// <summary>Whether batch normalisation stands between convolution and ReLU.</summary>
    [Option("Whether batch normalisation stands between convolution and ReLU.")]
    public bool BatchNorm { get; init; } = true;

    /// <summary>Share of the published channels.</summary>
    [Option("Factor on the 64, 128, 256, 512 and 512 channels of the stages.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 1;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (!VggStages.Depths.Contains(Depth))
        {
            errors.Add(node.PathOf("depth"), $"must be one of {string.Join(", ", VggStages.Depths)}; it is {Depth}", node.Line);
        }
    }

    internal static IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        .. Enumerable.Range(0, 5).SelectMany(stage =>
        {
            var name = stage == 0 ? "stem" : $"layer{stage}";
            return new[] { new FeaturePoint($"{name}.preact", $"relu{stage}", FeatureSide.Input), new FeaturePoint(name, $"relu{stage}") };
        }),
        new FeaturePoint("penultimate", "classifier", FeatureSide.Input),
        new FeaturePoint("logits", "classifier"),
    ];
}

/// <summary>
/// VGG for small images with one fully connected layer, as distillation papers use it since Tian et al., 2020, with the parameter names
/// of their code. Images of 32×32 are halved three times, those of 64×64 four times. Feature points: <c>stem</c> (first stage),
/// <c>layer1</c>–<c>layer4</c> (further stages), each also as <c>.preact</c>, <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class CifarVgg : LayeredNetwork
{
    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images or smaller than 8×8, or there is no network of that depth.</exception>
    public CifarVgg(CifarVggOptions options, DatasetInfo data)
        : base("cifar_vgg")
    {
        var (inputs, height, width) = InputShapes.Image(data, "cifar_vgg");
        var classes = InputShapes.Classes(data, "cifar_vgg");
        ShapeFault.ThrowIfAny(FaultOf(data));
        var convolutions = VggStages.Convolutions(options.Depth);
        var channels = VggStages.Channels(options.WidthMultiplier);
        for (var stage = 0; stage < 5; stage++)
        {
            // The last ReLU stands outside of the block, so that both sides of it have names.
            Append($"block{stage}", Layers.Chain(VggStages.Stage(inputs, channels[stage], convolutions[stage], options.BatchNorm).SkipLast(1)));
            Append($"relu{stage}", nn.ReLU());
            if (stage < 3 || (stage == 3 && Math.Min(height, width) >= 64))
            {
                Append($"pool{stage}", nn.MaxPool2d(2));
            }

            inputs = channels[stage];
        }

        Append("pool4", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("classifier", Layers.Linear(inputs, classes));
        FeaturePoints = CifarVggOptions.FeaturePoints();
        Initialization.KaimingWithSmallClassifier(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "classifier";

    internal static ModelFamily<CifarVggOptions> Family { get; } = new(
        "cifar_vgg",
        "Five stages of 3×3 convolutions for small images, with one fully connected layer.",
        "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015; form of Tian et al., Contrastive Representation Distillation, ICLR 2020",
        _ => CifarVggOptions.FeaturePoints(),
        (options, data) => new CifarVgg(options, data))
    {
        FaultOf = (_, data) => FaultOf(data),
    };

    private static ShapeFault? FaultOf(DatasetInfo data) => data.InputShape is [_, var height, var width] && Math.Min(height, width) < 8
        ? new ShapeFault($"cifar_vgg halves the image three times and needs at least 8×8 pixels; samples of `{data.Name}` have {height}×{width}")
        : null;
}
