using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Text.Models;
using DistillSharp.Text.Tokenization;

namespace DistillSharp.Text.Translation;

/// <summary>The files of a translation model in a folder: weights and vocabulary, and the ONNX pair.</summary>
public static class TranslationFiles
{
    /// <summary>Metadata key: hash of the subwords that a network was trained with.</summary>
    public const string VocabularySha256 = "distill.vocabulary_sha256";

    /// <summary>The encoder as ONNX, beside weights of that name.</summary>
    public static string Encoder(string weights) => Path.ChangeExtension(weights, ".encoder.onnx");

    /// <summary>One step of the decoder as ONNX.</summary>
    public static string DecoderStep(string weights) => Path.ChangeExtension(weights, ".decoder.onnx");

    /// <summary>The vocabulary in a folder, checked against the one that a model was trained with.</summary>
    /// <exception cref="InvalidDataException">It is another one.</exception>
    public static TextCodec Vocabulary(string folder, string? trainedWith, string model)
    {
        var codec = new TextCodec(VocabularyFiles.Load(folder));
        return trainedWith == codec.Tokens.VocabularySha256
            ? codec
            : throw new InvalidDataException(
                $"{model} was trained with another vocabulary than the one in {folder} ({VocabularyFiles.Merges}: {codec.Tokens.VocabularySha256[..12]}, the model: {trainedWith?[..Math.Min(12, trainedWith.Length)] ?? "none named"}); bring back the files that were written with it");
    }

    /// <summary>Refuses weights that were trained with another vocabulary than that of the network they are for; weights that name none pass.</summary>
    /// <param name="tokens">Vocabulary of the network.</param>
    /// <param name="metadata">Metadata of the weights.</param>
    /// <param name="weights">Their file.</param>
    /// <exception cref="InvalidDataException">It is another one; says how to take theirs.</exception>
    public static void CheckVocabulary(SequenceInfo tokens, IReadOnlyDictionary<string, string> metadata, string weights)
    {
        if (metadata.TryGetValue(VocabularySha256, out var trainedWith) && trainedWith != tokens.VocabularySha256)
        {
            throw new InvalidDataException(
                $"{weights} was trained with another vocabulary than this run's, so that its tokens stand for other texts; give the folder with the {VocabularyFiles.Vocabulary} and {VocabularyFiles.Merges} of the run that trained it, where they lie beside its weights, as `data.tokenizer: FOLDER`, and the model no `vocabulary` of its own");
        }
    }

    /// <summary>Compares the pair with the live network on sentences, greedy and beam, one by one and in padded batches.</summary>
    /// <param name="network">The network in evaluation mode.</param>
    /// <param name="model">The pair.</param>
    /// <param name="codec">Its vocabulary.</param>
    /// <param name="sentences">Sentences to translate.</param>
    /// <param name="beam">Width of the beam beside greedy search.</param>
    public static IReadOnlyList<TranslationMismatch> Compare(TransformerModel network, OnnxTranslationModel model, TextCodec codec, IReadOnlyList<string> sentences, int beam = 4)
    {
        var sources = sentences.Select(sentence => codec.EncodeSource(sentence).Tokens).ToList();
        var mismatches = new List<TranslationMismatch>();
        foreach (var width in new[] { 1, beam })
        {
            var expected = new SequenceDecoder(network.OpenSteps, codec.Tokens, new DecodingOptions { Beam = width, BatchSize = 32 }).Decode(sources);
            foreach (var size in new[] { 1, 32 })
            {
                var found = new SequenceDecoder(model.Open, codec.Tokens, new DecodingOptions { Beam = width, BatchSize = size }).Decode(sources);
                mismatches.AddRange(Enumerable.Range(0, sources.Count).Where(i => !expected[i].Tokens.SequenceEqual(found[i].Tokens)).Select(i => new TranslationMismatch(
                    sentences[i], width, size, codec.Encoding.Decode(expected[i].Tokens), codec.Encoding.Decode(found[i].Tokens),
                    width == 1 ? expected[i].MarginTo(found[i]) : Math.Abs(expected[i].Score(1) - found[i].Score(1)))));
            }
        }

        return mismatches;
    }
}

/// <summary>A sentence that two engines translate differently.</summary>
/// <param name="Sentence">The sentence.</param>
/// <param name="Beam">Width of the search.</param>
/// <param name="BatchSize">Sentences in a batch of the second engine.</param>
/// <param name="Expected">What the live network writes.</param>
/// <param name="Found">What the pair writes.</param>
/// <param name="Margin">Greedy: the difference of the live network's two best logits at the first token that is another; beam: that of the two outputs' scores.</param>
public sealed record TranslationMismatch(string Sentence, int Beam, int BatchSize, string Expected, string Found, double Margin);
