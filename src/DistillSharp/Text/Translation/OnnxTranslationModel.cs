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
    /// <exception cref="InvalidDataException">They were trained with different vocabularies, are damaged, or are no such files.</exception>
    public OnnxTranslationModel(string encoder, string decoder, int threads = 1)
    {
        using var options = OnnxSession.Options(threads);
        _encoder = Load(encoder, options);
        try
        {
            _decoder = Load(decoder, options);
        }
        catch
        {
            _encoder.Dispose();
            throw;
        }

        var (one, other) = (Hash(_encoder), Hash(_decoder));
        var logits = _decoder.OutputMetadata.GetValueOrDefault("logits");
        if (one is null || one != other || logits is not { IsTensor: true } || logits.Dimensions is not [_, > 0])
        {
            Dispose();
            throw new InvalidDataException($"{encoder} and {decoder} are no pair of encoder and decoder of one translation model");
        }

        VocabularySha256 = one;
        Vocabulary = logits.Dimensions[1];
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

    private static InferenceSession Load(string path, SessionOptions options)
    {
        try
        {
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InvalidDataException($"{path} is no model that ONNX Runtime can load: {error.Message}", error);
        }
    }

    private static string? Hash(InferenceSession session) => session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(TranslationFiles.VocabularySha256);
}
