using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Text.Models;
using static TorchSharp.torch;

namespace DistillSharp.Text.Translation;

/// <summary>
/// Writes a translation network as two ONNX files: the encoder, which reads a batch of sentences once, and one step of the decoder, which
/// reads a token of every hypothesis and what it remembers, and gives logits and what is to be remembered.
/// </summary>
public static class TranslationExporter
{
    /// <summary>Longest input and output in tokens: the files hold a table of positions.</summary>
    public const int LongestSequence = 1024;

    // Far below any product of queries and keys; infinity would give 0/0 where a row is all padding.
    private const float Masked = -1e9f;

    /// <summary>Writes both files.</summary>
    /// <param name="network">The network.</param>
    /// <param name="encoder">File of the encoder.</param>
    /// <param name="decoder">File of the decoder's step.</param>
    /// <param name="metadata">Provenance; hashes are added.</param>
    public static void Write(TransformerModel network, string encoder, string decoder, IReadOnlyDictionary<string, string> metadata)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var complete = new Dictionary<string, string>(metadata)
        {
            [Provenance.WeightsSha256] = WeightsHash.Of(network),
            [TranslationFiles.VocabularySha256] = network.Tokens.VocabularySha256,
        };
        complete.TryAdd(Provenance.Model, network.GetName());
        complete.TryAdd(Provenance.CodeVersion, Provenance.ThisVersion);
        OnnxExporter.Write(encoder, new Graph(network).Encoder(), complete);
        OnnxExporter.Write(decoder, new Graph(network).Step(), complete);
    }

    private sealed class Graph(TransformerModel network)
    {
        private readonly OnnxWriter _onnx = new();
        private readonly Dictionary<string, Tensor> _weights = network.state_dict();
        private readonly TransformerOptions _options = network.Options;

        private int HeadWidth => _options.Width / _options.Heads;

        public ProtobufWriter Encoder()
        {
            var source = _onnx.Input("source", OnnxWriter.Int64, "batch", "source_length");
            var length = _onnx.Add("Gather", [_onnx.Add("Shape", [source]), _onnx.Numbers(1)]);
            var mask = _onnx.Add("Where", [_onnx.Add("Equal", [source, _onnx.Number(network.Tokens.Pad)]), _onnx.Scalar(Masked), _onnx.Scalar(0)]);
            mask = _onnx.Add("Unsqueeze", [mask, _onnx.Numbers(1, 2)]);
            var positions = _onnx.Add("Slice", [Positions(), _onnx.Numbers(0), length, _onnx.Numbers(0)]);
            var value = Embed(source, positions);
            for (var layer = 0; layer < _options.EncoderLayers; layer++)
            {
                var path = $"encoder.layers.{layer}";
                var (queries, keys, values) = Split3(Linear(Norm(value, $"{path}.attention_norm"), $"{path}.self_attention.qkv"));
                value = Sum(value, Linear(Attend(Heads(queries), Heads(keys), Heads(values), mask), $"{path}.self_attention.projection"));
                value = FeedForward(value, path);
            }

            var memory = Norm(value, "encoder.norm");
            _onnx.Output(mask, "mask", OnnxWriter.Float, "batch", 1, 1, "source_length");
            for (var layer = 0; layer < _options.DecoderLayers; layer++)
            {
                var parts = Split(Linear(memory, $"decoder.layers.{layer}.cross_attention.key_value"), 2);
                _onnx.Output(Heads(parts[0]), $"memory_keys_{layer}", OnnxWriter.Float, "batch", _options.Heads, "source_length", HeadWidth);
                _onnx.Output(Heads(parts[1]), $"memory_values_{layer}", OnnxWriter.Float, "batch", _options.Heads, "source_length", HeadWidth);
            }

            return _onnx.Build("encoder");
        }

        public ProtobufWriter Step()
        {
            var token = _onnx.Input("token", OnnxWriter.Int64, "rows", 1);
            var position = _onnx.Input("position", OnnxWriter.Int64, 1);
            var mask = _onnx.Input("mask", OnnxWriter.Float, "batch", 1, 1, "source_length");
            var value = Embed(token, _onnx.Add("Gather", [Positions(), position]));
            // The hypotheses of a sentence stand beside each other: [rows, 1, D] as [batch, width, D] and back.
            var batch = _onnx.Add("Gather", [_onnx.Add("Shape", [mask]), _onnx.Numbers(0)]);
            var beside = _onnx.Add("Concat", [batch, _onnx.Numbers(-1, _options.Width)], null, ("axis", 0L));
            for (var layer = 0; layer < _options.DecoderLayers; layer++)
            {
                var path = $"decoder.layers.{layer}";
                var normalised = Norm(value, $"{path}.history_norm");
                value = Sum(value, _options.Decoder == DecoderKind.Attention ? SelfAttention(normalised, path, layer) : Ssru(normalised, path, layer));
                var memoryKeys = _onnx.Input($"memory_keys_{layer}", OnnxWriter.Float, "batch", _options.Heads, "source_length", HeadWidth);
                var memoryValues = _onnx.Input($"memory_values_{layer}", OnnxWriter.Float, "batch", _options.Heads, "source_length", HeadWidth);
                var rows = _onnx.Add("Reshape", [Norm(value, $"{path}.cross_norm"), beside]);
                var read = Linear(Attend(Heads(Linear(rows, $"{path}.cross_attention.query")), memoryKeys, memoryValues, mask), $"{path}.cross_attention.projection");
                value = Sum(value, _onnx.Add("Reshape", [read, _onnx.Numbers(-1, 1, _options.Width)]));
                value = FeedForward(value, path);
            }

            var flat = _onnx.Add("Reshape", [Norm(value, "decoder.norm"), _onnx.Numbers(-1, _options.Width)]);
            var logits = _onnx.Add("MatMul", [flat, _onnx.Add("Transpose", [Weight("embedding.weight")])]);
            _onnx.Output(logits, "logits", OnnxWriter.Float, "rows", network.Tokens.Vocabulary);
            return _onnx.Build("decoder_step");
        }

        private string SelfAttention(string input, string path, int layer)
        {
            var pastKeys = _onnx.Input($"past_keys_{layer}", OnnxWriter.Float, "rows", _options.Heads, "past_length", HeadWidth);
            var pastValues = _onnx.Input($"past_values_{layer}", OnnxWriter.Float, "rows", _options.Heads, "past_length", HeadWidth);
            var (queries, keys, values) = Split3(Linear(input, $"{path}.self_attention.qkv"));
            var allKeys = _onnx.Add("Concat", [pastKeys, Heads(keys)], null, ("axis", 2L));
            var allValues = _onnx.Add("Concat", [pastValues, Heads(values)], null, ("axis", 2L));
            _onnx.Output(allKeys, $"keys_{layer}", OnnxWriter.Float, "rows", _options.Heads, "length", HeadWidth);
            _onnx.Output(allValues, $"values_{layer}", OnnxWriter.Float, "rows", _options.Heads, "length", HeadWidth);
            return Linear(Attend(Heads(queries), allKeys, allValues, null), $"{path}.self_attention.projection");
        }

        private string Ssru(string input, string path, int layer)
        {
            var past = _onnx.Input($"past_keys_{layer}", OnnxWriter.Float, "rows", 1, _options.Width);
            var kept = _onnx.Add("Sigmoid", [Linear(input, $"{path}.ssru.forget")]);
            var added = _onnx.Add("Mul", [_onnx.Add("Sub", [_onnx.Scalar(1), kept]), Linear(input, $"{path}.ssru.candidate")]);
            var state = Sum(_onnx.Add("Mul", [kept, past]), added);
            _onnx.Output(state, $"keys_{layer}", OnnxWriter.Float, "rows", 1, _options.Width);
            return _onnx.Add("Relu", [state]);
        }

        private string FeedForward(string value, string path) => Sum(value, Linear(
            _onnx.Add("Relu", [Linear(Norm(value, $"{path}.feed_forward_norm"), $"{path}.feed_forward.expand")]), $"{path}.feed_forward.contract"));

        private string Attend(string queries, string keys, string values, string? mask)
        {
            var products = _onnx.Add("MatMul", [_onnx.Add("Mul", [queries, _onnx.Scalar((float)(1 / Math.Sqrt(HeadWidth)))]), _onnx.Add("Transpose", [keys], null, ("perm", new long[] { 0, 1, 3, 2 }))]);
            var weights = _onnx.Add("Softmax", [mask is null ? products : Sum(products, mask)], null, ("axis", -1L));
            var read = _onnx.Add("Transpose", [_onnx.Add("MatMul", [weights, values])], null, ("perm", new long[] { 0, 2, 1, 3 }));
            return _onnx.Add("Reshape", [read, _onnx.Numbers(0, 0, _options.Width)]);
        }

        private string Heads(string value) => _onnx.Add(
            "Transpose", [_onnx.Add("Reshape", [value, _onnx.Numbers(0, 0, _options.Heads, HeadWidth)])], null, ("perm", new long[] { 0, 2, 1, 3 }));

        private string Embed(string tokens, string positions) => Sum(
            _onnx.Add("Mul", [_onnx.Add("Gather", [Weight("embedding.weight"), tokens]), _onnx.Scalar((float)Math.Sqrt(_options.Width))]), positions);

        private string Positions() => _onnx.Weight("positions", tensor(SinusoidalPositions.Make(LongestSequence, _options.Width)).view(LongestSequence, _options.Width));

        private string Norm(string value, string path) =>
            _onnx.Add("LayerNormalization", [value, Weight($"{path}.weight"), Weight($"{path}.bias")], null, ("axis", -1L), ("epsilon", 1e-5f));

        private string Linear(string value, string path)
        {
            var product = _onnx.Add("MatMul", [value, _onnx.Weight($"{path}.weight", _weights[$"{path}.weight"].t())]);
            return _weights.ContainsKey($"{path}.bias") ? Sum(product, Weight($"{path}.bias")) : product;
        }

        private (string, string, string) Split3(string value) => Split(value, 3) is [var first, var second, var third] ? (first, second, third) : throw new InvalidOperationException();

        private IReadOnlyList<string> Split(string value, int parts) =>
            _onnx.AddMany("Split", [value, _onnx.Numbers([.. Enumerable.Repeat((long)_options.Width, parts)])], parts, ("axis", -1L));

        private string Sum(string left, string right) => _onnx.Add("Add", [left, right]);

        private string Weight(string name) => _onnx.Weight(name, _weights[name]);
    }
}
