using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Sequences;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Speech.Recognition;

/// <summary>The two ONNX files of a <see cref="Models.SpeechTransformer"/>, run step by step in ONNX Runtime.</summary>
internal sealed class OnnxSpeechWriter : IDisposable
{
    private readonly InferenceSession _decoder;

    /// <summary>Loads both files.</summary>
    /// <exception cref="InvalidDataException">They are no pair.</exception>
    public OnnxSpeechWriter(string encoder, string decoder, int threads = 1)
    {
        using var options = OnnxSession.Options(threads);
        (Encoder, _decoder) = (new InferenceSession(encoder, options), new InferenceSession(decoder, options));
        string? Hash(InferenceSession session) => session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(Provenance.WeightsSha256);
        if (Hash(Encoder) is null || Hash(Encoder) != Hash(_decoder))
        {
            Dispose();
            throw new InvalidDataException($"{encoder} and {decoder} are no pair of encoder and decoder of one network of speech");
        }
    }

    /// <summary>The encoder, whose metadata say what it was trained on.</summary>
    public InferenceSession Encoder { get; }

    /// <summary>Opens it for a batch.</summary>
    /// <param name="features">[N × T × mels], padded.</param>
    /// <param name="lengths">Frames [N].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="width">Hypotheses of an utterance.</param>
    public IStepModel Open(float[] features, long[] lengths, long mels, int width)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(features, [lengths.Length, features.Length / lengths.Length / mels, mels]);
        using var ends = OrtValue.CreateTensorValueFromMemory(lengths, [lengths.Length]);
        return new OnnxStepModel(_decoder, OnnxStepModel.Encode(Encoder, (TranscriberFile.Features, input), (TranscriberFile.Lengths, ends)), lengths.Length, width);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoder.Dispose();
        _decoder.Dispose();
    }
}
