using DistillSharp.Sequences;
using Microsoft.ML.OnnxRuntime;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace DistillSharp.Export.Onnx;

/// <summary>One step of an exported decoder, run for every symbol in ONNX Runtime.</summary>
internal sealed class OnnxStepModel : IStepModel
{
    private readonly InferenceSession _decoder;
    private readonly int _width;
    private readonly RunOptions _run = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
    // By the decoder's input names: what is read of the source (a row a sentence), and what is remembered (a row a hypothesis).
    private readonly Dictionary<string, OrtValue> _source;
    private readonly Dictionary<string, OrtValue> _past = [];
    private long _position;

    /// <summary>Begins a batch.</summary>
    /// <param name="decoder">The decoder's step, which stays the caller's.</param>
    /// <param name="source">Outputs of the encoder by name, which this one owns.</param>
    /// <param name="count">Inputs of the batch.</param>
    /// <param name="width">Hypotheses of an input.</param>
    public OnnxStepModel(InferenceSession decoder, Dictionary<string, OrtValue> source, int count, int width)
    {
        (_decoder, _source, _width) = (decoder, source, width);
        Vocabulary = decoder.OutputMetadata["logits"].Dimensions[1];
        foreach (var (name, metadata) in decoder.InputMetadata.Where(entry => entry.Key.StartsWith("past_", StringComparison.Ordinal)))
        {
            // Attention begins with nothing, a recurrent state with zeros.
            var rows = (long)count * width;
            long[] shape = metadata.Dimensions.Length == 4 ? [rows, metadata.Dimensions[1], 0, metadata.Dimensions[3]] : [rows, 1, metadata.Dimensions[2]];
            _past[name] = OrtValue.CreateTensorValueFromMemory(new float[shape.Aggregate(1L, (product, axis) => product * axis)], shape);
        }
    }

    /// <summary>Runs an encoder.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="inputs">Its inputs by name.</param>
    /// <returns>Its outputs by name, the caller's.</returns>
    public static Dictionary<string, OrtValue> Encode(InferenceSession encoder, params (string Name, OrtValue Value)[] inputs)
    {
        using var run = new RunOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        var outputs = encoder.Run(run, [.. inputs.Select(input => input.Name)], [.. inputs.Select(input => input.Value)], encoder.OutputNames);
        return encoder.OutputNames.Zip(outputs).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    /// <inheritdoc/>
    public int Vocabulary { get; }


    /// <inheritdoc/>
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
        var results = _decoder.Run(_run, names, values, outputs);
        results[0].GetTensorDataAsSpan<float>().CopyTo(logits);
        results[0].Dispose();
        foreach (var (index, name) in _past.Keys.ToList().Index())
        {
            _past[name].Dispose();
            _past[name] = results[index + 1];
        }
    }

    /// <inheritdoc/>
    public void Reorder(ReadOnlySpan<int> origins) => Select(_past, origins);

    /// <inheritdoc/>
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

    /// <inheritdoc/>
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
