using DistillSharp.Config;
using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>Options of <see cref="SmallCnn"/>.</summary>
public sealed record SmallCnnOptions : ICheckedOptions
{
    /// <summary>Channels of each convolution.</summary>
    [Option("Channels of each 3×3 convolution; a 2×2 max-pooling follows every second one.", Min = 1, Max = 65536)]
    public IReadOnlyList<int> Channels { get; init; } = [8, 8, 16, 16];

    /// <summary>Whether batch normalisation stands between convolution and ReLU.</summary>
    [Option("Whether batch normalisation stands between convolution and ReLU.")]
    public bool BatchNorm { get; init; } = true;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Channels.Count == 0)
        {
            errors.Add(node.PathOf("channels"), "must list at least one convolution, such as [8, 8, 16, 16]", node.Line);
        }
    }

    /// <summary>What is wrong with images too small for so many poolings.</summary>
    internal ShapeFault? FaultOf(DatasetInfo data)
    {
        var poolings = Channels.Count / 2;
        return data.InputShape is [_, var height, var width] && (poolings > 30 || Math.Min(height, width) >> poolings == 0)
            ? new ShapeFault($"small_cnn halves the image {poolings} times for {Channels.Count} convolutions, and {height}×{width} pixels are too few; list fewer channels", "channels")
            : null;
    }

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        .. Enumerable.Range(1, Channels.Count).SelectMany(layer => new[]
        {
            new FeaturePoint($"layer{layer}.preact", $"relu{layer}", FeatureSide.Input),
            new FeaturePoint($"layer{layer}", $"relu{layer}"),
        }),
        new FeaturePoint("penultimate", "fc", FeatureSide.Input),
        new FeaturePoint("logits", "fc"),
    ];
}

/// <summary>
/// A plain convolutional network: <c>convK, bnK, reluK</c>, <c>poolK</c> after every second one, global average, <c>fc</c>.
/// Feature points: <c>layer1</c>… (after the ReLU), <c>layerK.preact</c> (before it), <c>penultimate</c>, <c>logits</c>.
/// </summary>
public sealed class SmallCnn : LayeredNetwork
{
    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images, or too small for so many poolings.</exception>
    public SmallCnn(SmallCnnOptions options, DatasetInfo data)
        : base("small_cnn")
    {
        var (channels, _, _) = InputShapes.Image(data, "small_cnn");
        var classes = InputShapes.Classes(data, "small_cnn");
        ShapeFault.ThrowIfAny(options.FaultOf(data));
        for (var layer = 1; layer <= options.Channels.Count; layer++)
        {
            Append($"conv{layer}", nn.Conv2d(channels, options.Channels[layer - 1], 3, padding: 1, bias: !options.BatchNorm));
            channels = options.Channels[layer - 1];
            if (options.BatchNorm)
            {
                Append($"bn{layer}", nn.BatchNorm2d(channels));
            }

            Append($"relu{layer}", nn.ReLU());
            if (layer % 2 == 0)
            {
                Append($"pool{layer}", nn.MaxPool2d(2));
            }
        }

        Append("avgpool", nn.AdaptiveAvgPool2d(1));
        Append("flatten", nn.Flatten());
        Append("fc", nn.Linear(channels, classes));
        FeaturePoints = options.FeaturePoints();
        Initialization.KaimingConvolutions(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "fc";
}
