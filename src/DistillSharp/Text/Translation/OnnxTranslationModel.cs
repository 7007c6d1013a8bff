using DistillSharp.Export.Onnx;
using DistillSharp.Sequences;
using Microsoft.ML.OnnxRuntime;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

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
    public IStepModel Open(IReadOnlyList<int[]> sources, int width) => new Steps(this, sources, width);

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private static string? Hash(InferenceSession session) => session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(TranslationFiles.VocabularySha256);

    private sealed class Steps : IStepModel
    {
        private readonly OnnxTranslationModel _model;
        private readonly int _width;
        private readonly RunOptions _run = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        // By the decoder's input names: what is read of the source (a row a sentence), and what is remembered (a row a hypothesis).
        private readonly Dictionary<string, OrtValue> _source = [];
        private readonly Dictionary<string, OrtValue> _past = [];
        private long _position;

        public Steps(OnnxTranslationModel model, IReadOnlyList<int[]> sources, int width)
        {
            (_model, _width) = (model, width);
            var longest = sources.Max(source => source.Length);
            var tokens = new long[sources.Count * longest];
            for (var row = 0; row < sources.Count; row++)
            {
                Array.ConvertAll(sources[row], token => (long)token).CopyTo(tokens, row * longest);
            }

            using var input = OrtValue.CreateTensorValueFromMemory(tokens, [sources.Count, longest]);
            var outputs = model._encoder.Run(_run, ["source"], [input], model._encoder.OutputNames);
            foreach (var (name, value) in model._encoder.OutputNames.Zip(outputs))
            {
                _source[name] = value;
            }

            foreach (var (name, metadata) in model._decoder.InputMetadata.Where(entry => entry.Key.StartsWith("past_", StringComparison.Ordinal)))
            {
                // Attention begins with nothing, a recurrent state with zeros.
                var rows = (long)sources.Count * width;
                long[] shape = metadata.Dimensions.Length == 4 ? [rows, metadata.Dimensions[1], 0, metadata.Dimensions[3]] : [rows, 1, metadata.Dimensions[2]];
                _past[name] = OrtValue.CreateTensorValueFromMemory(new float[shape.Aggregate(1L, (product, axis) => product * axis)], shape);
            }
        }

        public int Vocabulary => _model.Vocabulary;

        public void Step(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            var read = new long[tokens.Length];
            for (var i = 0; i < read.Length; i++)
            {
                read[i] = tokens[i];
            }

            using var token = OrtValue.CreateTensorValueFromMemory(read, [read.Length, 1]);
            using var position = OrtValue.CreateTensorValueFromMemory(new[] { _position++ }, [1]);
            List<string> names = ["token", "position", .. _source.Keys, .. _past.Keys];
            List<OrtValue> values = [token, position, .. _source.Values, .. _past.Values];
            List<string> outputs = ["logits", .. _past.Keys.Select(name => name["past_".Length..])];
            var results = _model._decoder.Run(_run, names, values, outputs);
            results[0].GetTensorDataAsSpan<float>().CopyTo(logits);
            results[0].Dispose();
            foreach (var (index, name) in _past.Keys.ToList().Index())
            {
                _past[name].Dispose();
                _past[name] = results[index + 1];
            }
        }

        public void Reorder(ReadOnlySpan<int> origins) => Select(_past, origins);

        public void Keep(ReadOnlySpan<int> sentences)
        {
            var rows = new int[sentences.Length * _width];
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i] = (sentences[i / _width] * _width) + (i % _width);
            }

            Select(_source, sentences);
            Select(_past, rows);
        }

        public void Dispose()
        {
            _run.Dispose();
            foreach (var value in _source.Values.Concat(_past.Values))
            {
                value.Dispose();
            }
        }

        private static void Select(Dictionary<string, OrtValue> values, ReadOnlySpan<int> rows)
        {
            foreach (var (name, value) in values.ToList())
            {
                var shape = value.GetTensorTypeAndShape().Shape;
                var size = (int)shape.Skip(1).Aggregate(1L, (product, axis) => product * axis);
                shape[0] = rows.Length;
                var chosen = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Float, shape);
                var from = value.GetTensorDataAsSpan<float>();
                var to = chosen.GetTensorMutableDataAsSpan<float>();
                for (var i = 0; i < rows.Length; i++)
                {
                    from.Slice(rows[i] * size, size).CopyTo(to[(i * size)..]);
                }

                value.Dispose();
                values[name] = chosen;
            }
        }
    }
}
