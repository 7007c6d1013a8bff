using DistillSharp.Data;
using DistillSharp.Sequences.Transformers;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>Transformer layers as ONNX: what the encoders of text and speech share, and one step of the decoder.</summary>
/// <param name="weights">Weights of the network by name.</param>
/// <param name="shape">Sizes of its layers.</param>
/// <param name="tokens">Its vocabulary.</param>
/// <param name="decoderLayers">Layers of its decoder.</param>
/// <param name="onnx">What is written to; a graph of its own if none is given.</param>
internal sealed class TransformerGraph(IReadOnlyDictionary<string, Tensor> weights, ITransformerShape shape, SequenceInfo tokens, int decoderLayers, OnnxWriter? onnx = null)
{
    /// <summary>Longest input and output in tokens: the files hold a table of positions.</summary>
    public const int LongestSequence = 1024;

    /// <summary>What is added to products with padding: far below any of them; infinity would give 0/0 where a row is all padding.</summary>
    public const float Masked = -1e9f;

    /// <summary>What is written to.</summary>
    public OnnxWriter Onnx { get; } = onnx ?? new OnnxWriter();

    private int HeadWidth => shape.Width / shape.Heads;

    /// <summary>Encoder layers and the last normalisation.</summary>
    /// <param name="value">[N, S, D].</param>
    /// <param name="mask">[N, 1, 1, S].</param>
    /// <param name="layers">Their number.</param>
    public string Encoder(string value, string mask, int layers)
    {
        for (var layer = 0; layer < layers; layer++)
        {
            var path = $"encoder.layers.{layer}";
            var (queries, keys, values) = Split3(Linear(Norm(value, $"{path}.attention_norm"), $"{path}.self_attention.qkv"));
            value = Sum(value, Linear(Attend(Heads(queries), Heads(keys), Heads(values), mask), $"{path}.self_attention.projection"));
            value = FeedForward(value, path);
        }

        return Norm(value, "encoder.norm");
    }

    /// <summary>What the decoder's steps read of an encoder, as outputs.</summary>
    public void Memory(string memory, string mask)
    {
        Onnx.Output(mask, "mask", OnnxWriter.Float, "batch", 1, 1, "source_length");
        for (var layer = 0; layer < decoderLayers; layer++)
        {
            var parts = Split(Linear(memory, $"decoder.layers.{layer}.cross_attention.key_value"), 2);
            Onnx.Output(Heads(parts[0]), $"memory_keys_{layer}", OnnxWriter.Float, "batch", shape.Heads, "source_length", HeadWidth);
            Onnx.Output(Heads(parts[1]), $"memory_values_{layer}", OnnxWriter.Float, "batch", shape.Heads, "source_length", HeadWidth);
        }
    }

    /// <summary>One step of the decoder: a token of every hypothesis and what it remembers in, logits and what is to be remembered out.</summary>
    public ProtobufWriter Step()
    {
        var token = Onnx.Input("token", OnnxWriter.Int64, "rows", 1);
        var position = Onnx.Input("position", OnnxWriter.Int64, 1);
        var mask = Onnx.Input("mask", OnnxWriter.Float, "batch", 1, 1, "source_length");
        var value = Embed(token, Onnx.Add("Gather", [Positions(), position]));
        // The hypotheses of a sentence stand beside each other: [rows, 1, D] as [batch, width, D] and back.
        var batch = Onnx.Add("Gather", [Onnx.Add("Shape", [mask]), Onnx.Numbers(0)]);
        var beside = Onnx.Add("Concat", [batch, Onnx.Numbers(-1, shape.Width)], null, ("axis", 0L));
        for (var layer = 0; layer < decoderLayers; layer++)
        {
            var path = $"decoder.layers.{layer}";
            var normalised = Norm(value, $"{path}.history_norm");
            value = Sum(value, shape.Decoder == DecoderKind.Attention ? SelfAttention(normalised, path, layer) : Ssru(normalised, path, layer));
            var memoryKeys = Onnx.Input($"memory_keys_{layer}", OnnxWriter.Float, "batch", shape.Heads, "source_length", HeadWidth);
            var memoryValues = Onnx.Input($"memory_values_{layer}", OnnxWriter.Float, "batch", shape.Heads, "source_length", HeadWidth);
            var rows = Onnx.Add("Reshape", [Norm(value, $"{path}.cross_norm"), beside]);
            var read = Linear(Attend(Heads(Linear(rows, $"{path}.cross_attention.query")), memoryKeys, memoryValues, mask), $"{path}.cross_attention.projection");
            value = Sum(value, Onnx.Add("Reshape", [read, Onnx.Numbers(-1, 1, shape.Width)]));
            value = FeedForward(value, path);
        }

        var flat = Onnx.Add("Reshape", [Norm(value, "decoder.norm"), Onnx.Numbers(-1, shape.Width)]);
        var logits = Onnx.Add("MatMul", [flat, Onnx.Add("Transpose", [Weight("embedding.weight")])]);
        Onnx.Output(logits, "logits", OnnxWriter.Float, "rows", tokens.Vocabulary);
        return Onnx.Build("decoder_step");
    }

    private string SelfAttention(string input, string path, int layer)
    {
        var pastKeys = Onnx.Input($"past_keys_{layer}", OnnxWriter.Float, "rows", shape.Heads, "past_length", HeadWidth);
        var pastValues = Onnx.Input($"past_values_{layer}", OnnxWriter.Float, "rows", shape.Heads, "past_length", HeadWidth);
        var (queries, keys, values) = Split3(Linear(input, $"{path}.self_attention.qkv"));
        var allKeys = Onnx.Add("Concat", [pastKeys, Heads(keys)], null, ("axis", 2L));
        var allValues = Onnx.Add("Concat", [pastValues, Heads(values)], null, ("axis", 2L));
        Onnx.Output(allKeys, $"keys_{layer}", OnnxWriter.Float, "rows", shape.Heads, "length", HeadWidth);
        Onnx.Output(allValues, $"values_{layer}", OnnxWriter.Float, "rows", shape.Heads, "length", HeadWidth);
        return Linear(Attend(Heads(queries), allKeys, allValues, null), $"{path}.self_attention.projection");
    }

    private string Ssru(string input, string path, int layer)
    {
        var past = Onnx.Input($"past_keys_{layer}", OnnxWriter.Float, "rows", 1, shape.Width);
        var kept = Onnx.Add("Sigmoid", [Linear(input, $"{path}.ssru.forget")]);
        var added = Onnx.Add("Mul", [Onnx.Add("Sub", [Onnx.Scalar(1), kept]), Linear(input, $"{path}.ssru.candidate")]);
        var state = Sum(Onnx.Add("Mul", [kept, past]), added);
        Onnx.Output(state, $"keys_{layer}", OnnxWriter.Float, "rows", 1, shape.Width);
        return Onnx.Add("Relu", [state]);
    }

    private string FeedForward(string value, string path) => Sum(value, Linear(
        Onnx.Add("Relu", [Linear(Norm(value, $"{path}.feed_forward_norm"), $"{path}.feed_forward.expand")]), $"{path}.feed_forward.contract"));

    private string Attend(string queries, string keys, string values, string? mask)
    {
        var products = Onnx.Add("MatMul", [Onnx.Add("Mul", [queries, Onnx.Scalar((float)(1 / Math.Sqrt(HeadWidth)))]), Onnx.Add("Transpose", [keys], null, ("perm", new long[] { 0, 1, 3, 2 }))]);
        var weights = Onnx.Add("Softmax", [mask is null ? products : Sum(products, mask)], null, ("axis", -1L));
        var read = Onnx.Add("Transpose", [Onnx.Add("MatMul", [weights, values])], null, ("perm", new long[] { 0, 2, 1, 3 }));
        return Onnx.Add("Reshape", [read, Onnx.Numbers(0, 0, shape.Width)]);
    }

    private string Heads(string value) => Onnx.Add(
        "Transpose", [Onnx.Add("Reshape", [value, Onnx.Numbers(0, 0, shape.Heads, HeadWidth)])], null, ("perm", new long[] { 0, 2, 1, 3 }));

    /// <summary>Embeddings of tokens with positions.</summary>
    public string Embed(string input, string positions) => Sum(
        Onnx.Add("Mul", [Onnx.Add("Gather", [Weight("embedding.weight"), input]), Onnx.Scalar((float)Math.Sqrt(shape.Width))]), positions);

    /// <summary>The table of positions.</summary>
    public string Positions() => Onnx.Weight("positions", tensor(SinusoidalPositions.Make(LongestSequence, shape.Width)).view(LongestSequence, shape.Width));

    /// <summary>A layer normalisation.</summary>
    public string Norm(string value, string path) =>
        Onnx.Add("LayerNormalization", [value, Weight($"{path}.weight"), Weight($"{path}.bias")], null, ("axis", -1L), ("epsilon", 1e-5f));

    private string Linear(string value, string path)
    {
        var product = Onnx.Add("MatMul", [value, Onnx.Weight($"{path}.weight", weights[$"{path}.weight"].t())]);
        return weights.ContainsKey($"{path}.bias") ? Sum(product, Weight($"{path}.bias")) : product;
    }

    private (string, string, string) Split3(string value) => Split(value, 3) is [var first, var second, var third] ? (first, second, third) : throw new InvalidOperationException();

    private IReadOnlyList<string> Split(string value, int parts) =>
        Onnx.AddMany("Split", [value, Onnx.Numbers([.. Enumerable.Repeat((long)shape.Width, parts)])], parts, ("axis", -1L));

    private string Sum(string left, string right) => Onnx.Add("Add", [left, right]);

    private string Weight(string name) => Onnx.Weight(name, weights[name]);
}
