using DistillSharp.Config;
using DistillSharp.Models;
using DistillSharp.Sequences.Transformers;

namespace DistillSharp.Text.Models;

/// <summary>Options of <c>transformer</c>.</summary>
public sealed record TransformerOptions : ICheckedOptions, ITransformerShape
{
    /// <summary>Width of all layers.</summary>
    [Option("width of embeddings and layers", Min = 8, Max = 4096)]
    public int Width { get; init; } = 256;

    /// <summary>Attention heads.</summary>
    [Option("attention heads; must divide the width", Min = 1, Max = 64)]
    public int Heads { get; init; } = 4;

    /// <summary>Width of the hidden layer of feed-forward blocks.</summary>
    [Option("hidden units of feed-forward blocks; 4 times the width by default", Min = 8, Max = 16384)]
    public int? FeedForward { get; init; }

    /// <summary>Encoder layers.</summary>
    [Option("encoder layers", Min = 1, Max = 48)]
    public int EncoderLayers { get; init; } = 4;

    /// <summary>Decoder layers.</summary>
    [Option("decoder layers", Min = 1, Max = 48)]
    public int DecoderLayers { get; init; } = 4;

    /// <summary>What decoder layers remember.</summary>
    [Option("attention: decoder layers attend to the tokens before; ssru: they carry one vector along (Kim et al., 2019), which decodes faster")]
    public DecoderKind Decoder { get; init; } = DecoderKind.Attention;

    /// <summary>Dropout.</summary>
    [Option("share of embeddings and of what each block adds that is dropped in training", Min = 0, Max = 0.9)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>A vocabulary of its own size.</summary>
    [Option("subwords of a vocabulary of its own, in place of the data's `vocabulary`", Min = 300, Max = 100_000)]
    public int? Vocabulary { get; init; }

    /// <summary>Hidden units of a feed-forward block.</summary>
    public int Hidden => FeedForward ?? 4 * Width;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Width % Heads != 0)
        {
            errors.Add(node.PathOf("heads"), $"must divide width ({Width}), not be {Heads}", node.Line);
        }

        if (Width % 2 != 0)
        {
            errors.Add(node.PathOf("width"), "must be even: positions are pairs of sine and cosine", node.Line);
        }
    }

    /// <summary>Feature points from the input to the output.</summary>
    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        .. Enumerable.Range(1, EncoderLayers).SelectMany(layer => Layer("encoder", layer)),
        new FeaturePoint("encoder", "encoder.norm"),
        .. Enumerable.Range(1, DecoderLayers).SelectMany(layer => Decoder == DecoderKind.Attention ? Layer("decoder", layer) : [new FeaturePoint($"decoder{layer}", $"decoder.layers.{layer - 1}.output")]),
        new FeaturePoint("decoder", "decoder.norm"),
    ];

    private static IEnumerable<FeaturePoint> Layer(string side, int layer)
    {
        var path = $"{side}.layers.{layer - 1}";
        foreach (var part in new[] { "queries", "keys", "values" })
        {
            yield return new FeaturePoint($"{side}{layer}.{part}", $"{path}.self_attention.{part}");
        }

        yield return new FeaturePoint($"{side}{layer}", $"{path}.output");
    }
}
