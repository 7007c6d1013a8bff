using DistillSharp.Sequences;
using DistillSharp.Text.Models;

namespace DistillSharp.Text.Translation;

/// <summary>Translates sentences with a search over any engine.</summary>
/// <param name="open">The engine.</param>
/// <param name="codec">Its subwords.</param>
/// <param name="options">How to search.</param>
public sealed class SentenceTranslator(OpenStepModel open, TextCodec codec, DecodingOptions options)
{
    private readonly SequenceDecoder _decoder = new(open, codec.Tokens, options);

    /// <summary>A translator of a network, which stays the caller's and must be in evaluation mode.</summary>
    public static SentenceTranslator Of(TransformerModel network, TextCodec codec, DecodingOptions options) => new(network.OpenSteps, codec, options);

    /// <summary>A translation for each sentence, and the number of tokens that were written.</summary>
    public (string[] Texts, long Tokens) Translate(IReadOnlyList<string> sentences, CancellationToken cancellation = default)
    {
        var all = TranslateAll(sentences, cancellation);
        return ([.. all.Select(found => found[0].Text)], all.Sum(found => found[0].Output.Tokens.Length + 1L));
    }

    /// <summary>The outputs for each sentence from the best on.</summary>
    public IReadOnlyList<(string Text, Hypothesis Output)>[] TranslateAll(IReadOnlyList<string> sentences, CancellationToken cancellation = default)
    {
        var encoded = sentences.Select(codec.EncodeSource).ToList();
        var found = _decoder.DecodeAll([.. encoded.Select(sentence => sentence.Tokens)], cancellation);
        return
        [
            .. found.Zip(encoded, (outputs, sentence) => (IReadOnlyList<(string, Hypothesis)>)
                [.. outputs.Select(output => (sentence.Tokens.Length == 0 ? "" : codec.Decode(output.Tokens, sentence.Placeholders), output))]),
        ];
    }
}
