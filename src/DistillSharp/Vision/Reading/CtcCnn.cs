using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Reading;

/// <summary>Options of <c>ctc_cnn</c>.</summary>
public sealed record CtcCnnOptions : ICheckedOptions
{
    /// <summary>Channels of the convolutions.</summary>
    [Option("channels of the three convolutions that halve the image, of the one that reads a column of what is left, and of the one along the line", Min = 1, Max = 4096)]
    public IReadOnlyList<int> Channels { get; init; } = [16, 32, 64, 96, 96];

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Channels.Count != 5)
        {
            errors.Add(node.PathOf("channels"), "must list five numbers, such as [16, 32, 64, 96, 96]", node.Line);
        }
    }
}

/// <summary>
/// A line of text to characters by connectionist temporal classification: three convolutions that halve the image, one over the whole height that is
/// left, one along the line, a decision every eight pixels. Logits are [N, width / 8, classes].
/// </summary>
public sealed class CtcCnn : LayeredNetwork
{
    private const int Reduction = 8;

    private static readonly FeaturePoint[] Points = [.. Enumerable.Range(1, 5).Select(layer => new FeaturePoint($"layer{layer}", $"relu{layer}")), new("logits", "frames")];

    /// <summary>Builds it for images of text.</summary>
    /// <exception cref="ArgumentException">The dataset has none.</exception>
    public CtcCnn(CtcCnnOptions options, DatasetInfo data)
        : base("ctc_cnn")
    {
        var (inputs, height, _) = InputShapes.Image(data, "ctc_cnn");
        ShapeFault.ThrowIfAny(FaultOf(data));
        var channels = (long)inputs;
        for (var layer = 1; layer <= options.Channels.Count; layer++)
        {
            var next = options.Channels[layer - 1];
            Append($"conv{layer}", layer switch
            {
                <= 3 => nn.Conv2d(channels, next, 3, stride: 2, padding: 1, bias: false),
                4 => nn.Conv2d(channels, next, (height / Reduction, 3), padding: (0, 1), bias: false),
                _ => nn.Conv2d(channels, next, (1, 5), padding: (0, 2), bias: false),
            });
            Append($"bn{layer}", nn.BatchNorm2d(next));
            Append($"relu{layer}", nn.ReLU());
            channels = next;
        }

        Append("classifier", nn.Conv2d(channels, data.Ctc!.Classes, 1));
        Append("frames", new FramesOfMap());
        Initialization.KaimingConvolutions(this);
    }

    /// <summary>Catalog entry.</summary>
    public static ModelEntry Entry { get; } = new(
        "ctc_cnn",
        "A line of text to characters: convolutions alone, a decision every eight pixels, trained by CTC.",
        "Graves et al., Connectionist Temporal Classification, ICML 2006; Shi, Bai, Yao, An End-to-End Trainable Neural Network for Image-based Sequence Recognition, TPAMI 2017 (the pattern, without recurrence)",
        typeof(CtcCnnOptions),
        _ => [.. Points.Select(point => point.Name)],
        (options, data) => new CtcCnn((CtcCnnOptions)options, data))
    {
        FaultOf = (_, data) => FaultOf(data),
    };

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints => Points;

    /// <inheritdoc/>
    public override Tensor? MaskOfLogits(Tensor logits, Batch batch) => null;

    private static ShapeFault? FaultOf(DatasetInfo data) => data.InputShape is not [_, var height, var width] || (data.Ctc is not null && height % Reduction == 0 && width % Reduction == 0)
        ? null
        : new ShapeFault($"ctc_cnn needs images of text whose height and width are multiples of {Reduction}, such as word_text; {data.Name} has none");
}

/// <summary>[N, C, 1, T] to [N, T, C].</summary>
internal sealed class FramesOfMap() : nn.Module<Tensor, Tensor>("frames"), INetworkGraph
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => input.squeeze(2).transpose(1, 2).contiguous();

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Transpose(graph.Reshape(input, input.Shape[1], input.Shape[3]), 0, 2, 1);
}
