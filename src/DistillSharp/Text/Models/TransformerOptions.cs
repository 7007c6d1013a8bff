using DistillSharp.Config;
using DistillSharp.Sequences.Transformers;

namespace DistillSharp.Text.Models;

/// <summary>Options of <c>transformer</c>.</summary>
public sealed record TransformerOptions : ICheckedOptions, ITransformerShape
{
    /// <inheritdoc/>
    [Option("width of embeddings and layers", Min = 8, Max = 4096)]
    public int Width { get; init; } = 256;

    /// <inheritdoc/>
    [Option("attention heads; must divide the width", Min = 1, Max = 64)]
    public int Heads { get; init; } = 4;

    /// <summary>Width of the hidden layer of feed-forward blocks.</summary>
    [Option("hidden units of feed-forward blocks; 4 times the width by default", Min = 8, Max = 16384)]
    public int? FeedForward { get; init; }

    /// <inheritdoc/>
    [Option("encoder layers", Min = 1, Max = 48)]
    public int EncoderLayers { get; init; } = 4;

    /// <inheritdoc/>
    [Option("decoder layers", Min = 1, Max = 48)]
    public int DecoderLayers { get; init; } = 4;

    /// <inheritdoc/>
    [Option("attention: decoder layers attend to the tokens before; ssru: they carry one vector along (Kim et al., 2019), which decodes faster")]
    public DecoderKind Decoder { get; init; } = DecoderKind.Attention;

    /// <summary>Dropout.</summary>
    [Option("share of embeddings and of what each block adds that is dropped in training", Min = 0, Max = 0.9)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>A vocabulary of its own size.</summary>
    [Option("subwords of a vocabulary of its own, in place of the data's `vocabulary`", Min = 300, Max = 100_000)]
    public int? Vocabulary { get; init; }

    /// <inheritdoc/>
    public int Hidden => FeedForward ?? 4 * Width;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors) => this.CheckSizes(node, errors);
}
