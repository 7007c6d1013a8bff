using DistillSharp.Export.Onnx;
using DistillSharp.Sequences;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Text.Translation;

/// <summary>The two ONNX files of a translation network, run step by step in ONNX Runtime; libtorch is not needed.</summary>
public sealed class OnnxTranslationModel : IDisposable
{
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _decoder;

    /// <summary>Loads both files.</summary>
    /// <param name="encoder">File of the encoder.</param>
    /// <param name="decoder">File of the decoder's step.</param>
    /// <param name="threads">Threads within one operation.</param>
    /// <exception cref="InvalidDataException">They were trained with different vocabularies, or are no such files.</exception>
    public OnnxTranslationModel(string encoder, string decoder, int threads = 1)
    {
        using var options = OnnxSession.Options(threads);
        (_encoder, _decoder) = (new InferenceSession(encoder, options), new InferenceSession(decoder, options));
        var (one, other) = (Hash(_encoder), Hash(_decoder));
        if (one is null || one != other)
        {
            Dispose();
            throw new InvalidDataException($"{encoder} and {decoder} are no pair of encoder and decoder of one translation model");
        }

        VocabularySha256 = one;
        Vocabulary = _decoder.OutputMetadata["logits"].Dimensions[1];
    }

    /// <summary>Hash of the subwords that it was trained with.</summary>
    public string VocabularySha256 { get; }

    /// <summary>Number of tokens.</summary>
    public int Vocabulary { get; }

    /// <summary>Opens it for batches of inputs of at most <see cref="TranslationExporter.LongestSequence"/> tokens.</summary>
    /// <exception cref="ArgumentException">An input is longer; says by how much.</exception>
    public IStepModel Open(IReadOnlyList<int[]> sources, int width)
    {
        var longest = sources.Max(source => source.Length);
        if (longest > TranslationExporter.LongestSequence)
        {
            throw new ArgumentException($"a sentence of {longest} tokens is longer than the {TranslationExporter.LongestSequence} that an exported model reads; translate it in parts, as {nameof(LineTranslator)} does", nameof(sources));
        }

        var tokens = new long[sources.Count * longest];
        for (var row = 0; row < sources.Count; row++)
        {
            Array.ConvertAll(sources[row], token => (long)token).CopyTo(tokens, row * longest);
        }

        using var input = OrtValue.CreateTensorValueFromMemory(tokens, [sources.Count, longest]);
        return new OnnxStepModel(_decoder, OnnxStepModel.Encode(_encoder, ("source", input)), sources.Count, width);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private static string? Hash(InferenceSession session) => session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(TranslationFiles.VocabularySha256);
}
