namespace DistillSharp.Sequences.Transformers;

/// <summary>What a decoder layer remembers of the tokens before.</summary>
public enum DecoderKind
{
    /// <summary>Self-attention over them.</summary>
    Attention,

    /// <summary>A simpler simple recurrent unit: one vector, whatever the length.</summary>
    Ssru,
}

/// <summary>Sizes of Transformer layers.</summary>
internal interface ITransformerShape
{
    /// <summary>Width of all layers.</summary>
    int Width { get; }

    /// <summary>Attention heads.</summary>
    int Heads { get; }

    /// <summary>Hidden units of a feed-forward block.</summary>
    int Hidden { get; }

    /// <summary>Share of what each block adds that is dropped in training.</summary>
    double Dropout { get; }

    /// <summary>What decoder layers remember.</summary>
    DecoderKind Decoder { get; }
}
