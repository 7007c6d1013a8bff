using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>Options of <see cref="Vgg"/>.</summary>
public sealed record VggOptions : ICheckedOptions
{
    /// <summary>Layers with weights.</summary>
    [Option("Layers with weights: 11, 13, 16 or 19.")]
    public int Depth { get; init; } = 16;

    /// <summary>Whether batch normalisation stands between convolution and ReLU.</summary>
    [Option("Whether batch normalisation stands between convolution and ReLU.")]
    public bool BatchNorm { get; init; } = true;

    /// <summary>Share of hidden units dropped in training.</summary>
    [Option("Share of the fully connected layers' units dropped in training.", Min = 0, Max = 0.99)]
    public double Dropout { get; init; } = 0.5;

    /// <summary>Share of the published channels and hidden units.</summary>
    [Option("Factor on the channels of the stages and on the 4096 hidden units.", Min = 0, AboveMin = true, Max = 16)]
    public double WidthMultiplier { get; init; } = 1;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (!VggStages.ImageNetDepths.Contains(Depth))
        {
            errors.Add(node.PathOf("depth"), $"must be one of {string.Join(", ", VggStages.ImageNetDepths)}; it is {Depth}", node.Line);
        }
    }

    internal IReadOnlyList<FeaturePoint> FeaturePoints()
    {
        var points = new List<FeaturePoint>();
        var next = 0;
        foreach (var (stage, convolutions) in VggStages.Convolutions(Depth).Index())
        {
            next += convolutions * (BatchNorm ? 3 : 2);
            var (name, relu) = (stage == 0 ? "stem" : $"layer{stage}", string.Create(CultureInfo.InvariantCulture, $"features.{next - 1}"));
            points.Add(new FeaturePoint($"{name}.preact", relu, FeatureSide.Input));
            points.Add(new FeaturePoint(name, relu));
            next++;
        }

        return [.. points, new FeaturePoint("penultimate", "classifier.6", FeatureSide.Input), new FeaturePoint("logits", "classifier.6")];
    }
}

/// <summary>
/// VGG for ImageNet (Simonyan and Zisserman, 2015) with torchvision's parameter names. Feature points: <c>stem</c> (first stage),
/// <c>layer1</c>–<c>layer4</c> (further stages, before their pooling), each also as <c>.preact</c>, <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class Vgg : LayeredNetwork
{
    private const int PooledSize = 7;
    private const int HiddenUnits = 4096;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images or smaller than 32×32, or there is no network of that depth.</exception>
    public Vgg(VggOptions options, DatasetInfo data)
        : base("vgg")
    {
        var (inputs, _, _) = InputShapes.Image(data, "vgg");
        var classes = InputShapes.Classes(data, "vgg");
        ShapeFault.ThrowIfAny(FaultOf(data));
        if (!VggStages.ImageNetDepths.Contains(options.Depth))
        {
            throw new ArgumentException($"vgg: depth must be one of {string.Join(", ", VggStages.ImageNetDepths)}; it is {options.Depth}");
        }

        var layers = new List<nn.Module<Tensor, Tensor>>();
        foreach (var (convolutions, channels) in VggStages.Convolutions(options.Depth).Zip(VggStages.Channels(options.WidthMultiplier)))
        {
            layers.AddRange(VggStages.Stage(inputs, channels, convolutions, options.BatchNorm));
            layers.Add(nn.MaxPool2d(2));
            inputs = channels;
        }

        var hidden = Math.Max(1L, (long)Math.Round(HiddenUnits * options.WidthMultiplier));
        Append("features", Layers.Chain(layers));
        Append("avgpool", nn.AdaptiveAvgPool2d(PooledSize));
        Append("flatten", nn.Flatten());
        Append("classifier", Layers.Chain(
            Layers.Linear(inputs * PooledSize * PooledSize, hidden),
            nn.ReLU(),
            new InvertedDropout(options.Dropout),
            Layers.Linear(hidden, hidden),
            nn.ReLU(),
            new InvertedDropout(options.Dropout),
            Layers.Linear(hidden, classes)));
        FeaturePoints = options.FeaturePoints();
        Initialization.KaimingWithSmallClassifier(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "classifier.6";

    internal static ModelFamily<VggOptions> Family { get; } = new(
        "vgg",
        "Five stages of 3×3 convolutions and three fully connected layers, for ImageNet.",
        "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015",
        options => options.FeaturePoints(),
        (options, data) => new Vgg(options, data))
    {
        FaultOf = (_, data) => FaultOf(data),
    };

    private static ShapeFault? FaultOf(DatasetInfo data) => data.InputShape is [_, var height, var width] && Math.Min(height, width) < 32
        ? new ShapeFault($"vgg halves the image five times and needs at least 32×32 pixels; samples of `{data.Name}` have {height}×{width}. For small images there is cifar_vgg")
        : null;
}
