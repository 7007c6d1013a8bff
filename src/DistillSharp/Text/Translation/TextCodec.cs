using DistillSharp.Data;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Tokenization;

namespace DistillSharp.Text.Translation;

/// <summary>Sentences to tokens and back, placeholders hidden.</summary>
/// <param name="encoding">The subwords.</param>
public sealed class TextCodec(BytePairEncoding encoding)
{
    /// <summary>The subwords.</summary>
    public BytePairEncoding Encoding { get; } = encoding;

    /// <summary>What networks are built for.</summary>
    public SequenceInfo Tokens { get; } = new(encoding.Size, BytePairEncoding.Pad, BytePairEncoding.Begin, BytePairEncoding.End, encoding.Sha256);

    /// <summary>A pair for training.</summary>
    public EncodedPair Encode(SentencePair pair)
    {
        var (source, target) = Placeholders.Hide(pair.Source, pair.Target);
        return new EncodedPair([.. Encoding.Encode(source), BytePairEncoding.End], [.. Encoding.Encode(target), BytePairEncoding.End]);
    }

    /// <summary>A sentence to translate, and what its placeholders stand for. A sentence without text has no tokens.</summary>
    public (int[] Tokens, IReadOnlyList<Placeholder> Placeholders) EncodeSource(string text)
    {
        var (hidden, values) = Placeholders.Hide(text);
        return string.IsNullOrWhiteSpace(text) ? ([], values) : ([.. Encoding.Encode(hidden), BytePairEncoding.End], values);
    }

    /// <summary>The text of an output; line breaks in it become spaces, so that a line stays a line.</summary>
    public string Decode(IEnumerable<int> tokens, IReadOnlyList<Placeholder> placeholders) =>
        Placeholders.Show(Encoding.Decode(tokens).ReplaceLineEndings(" ").Trim(), placeholders);
}
