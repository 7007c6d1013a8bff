using DistillSharp.Config;
using DistillSharp.Models;

namespace DistillSharp.Sequences.Transformers;

/// <summary>What a decoder layer remembers of the tokens before.</summary>
public enum DecoderKind
{
    /// <summary>Self-attention over them.</summary>
    Attention,

    /// <summary>A simpler simple recurrent unit: one vector, whatever the length.</summary>
    Ssru,
}

/// <summary>Sizes of a network of encoder and decoder.</summary>
internal interface ITransformerShape
{
    /// <summary>Width of all layers.</summary>
    int Width { get; }

    /// <summary>Attention heads.</summary>
    int Heads { get; }

    /// <summary>Hidden units of a feed-forward block.</summary>
    int Hidden { get; }

    /// <summary>Encoder layers.</summary>
    int EncoderLayers { get; }

    /// <summary>Decoder layers.</summary>
    int DecoderLayers { get; }

    /// <summary>Share of what each block adds that is dropped in training.</summary>
    double Dropout { get; }

    /// <summary>What decoder layers remember.</summary>
    DecoderKind Decoder { get; }
}

/// <summary>What follows from the sizes.</summary>
internal static class TransformerShapeExtensions
{
    /// <summary>Reports sizes that do not go together.</summary>
    public static void CheckSizes(this ITransformerShape shape, ConfigNode node, ConfigErrors errors)
    {
        if (shape.Width % shape.Heads != 0)
        {
            errors.Add(node.PathOf("heads"), $"must divide width ({shape.Width}), not be {shape.Heads}", node.Line);
        }

        if (shape.Width % 2 != 0)
        {
            errors.Add(node.PathOf("width"), "must be even: positions are pairs of sine and cosine", node.Line);
        }
    }

    /// <summary>Feature points from the input to the output.</summary>
    public static IReadOnlyList<FeaturePoint> FeaturePoints(this ITransformerShape shape) =>
    [
        .. Enumerable.Range(1, shape.EncoderLayers).SelectMany(layer => OfLayer("encoder", layer, hasAttention: true)),
        new FeaturePoint("encoder", "encoder.norm"),
        .. Enumerable.Range(1, shape.DecoderLayers).SelectMany(layer => OfLayer("decoder", layer, shape.Decoder == DecoderKind.Attention)),
        new FeaturePoint("decoder", "decoder.norm"),
    ];

    private static IEnumerable<FeaturePoint> OfLayer(string side, int layer, bool hasAttention)
    {
        var path = $"{side}.layers.{layer - 1}";
        string[] parts = hasAttention ? ["queries", "keys", "values"] : [];
        return parts.Select(part => new FeaturePoint($"{side}{layer}.{part}", $"{path}.self_attention.{part}")).Append(new FeaturePoint($"{side}{layer}", $"{path}.output"));
    }
}
