using DistillSharp.Export.Onnx;
using DistillSharp.Speech.Models;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>The blocks of a <see cref="CtcConformer"/> as ONNX.</summary>
internal static class ConformerGraph
{
    /// <summary>All blocks.</summary>
    /// <param name="graph">What is written to.</param>
    /// <param name="options">How the network was built.</param>
    /// <param name="frames">[N, T, channels].</param>
    /// <param name="valid">1 at valid frames [N, T].</param>
    /// <returns>[N, T, D].</returns>
    public static string Layers(SpeechGraph graph, CtcConformerOptions options, string frames, string valid)
    {
        var hidden = graph.Linear(frames, "input");
        var places = graph.Places(hidden, 1);
        var angles = Multiply(graph, graph.Onnx.Add("Unsqueeze", [graph.AsFloat(places), graph.Onnx.Numbers(1)]), graph.Onnx.Weight("frequencies", tensor(RotaryAttention.Frequencies(options.Width / options.AttentionHeads))));
        var turn = (Cosine: graph.Onnx.Add("Cos", [angles]), Sine: graph.Onnx.Add("Sin", [angles]));
        // Added to products [N, heads, T, T]: what is padding, or in one direction what comes later, is not read.
        var allowed = options.Bidirectional
            ? graph.Onnx.Add("Unsqueeze", [valid, graph.Onnx.Numbers(1, 2)])
            : graph.AsFloat(graph.Onnx.Add("LessOrEqual", [graph.Onnx.Add("Unsqueeze", [places, graph.Onnx.Numbers(0)]), graph.Onnx.Add("Unsqueeze", [places, graph.Onnx.Numbers(1)])]));
        var mask = Multiply(graph, graph.Onnx.Add("Sub", [graph.Onnx.Scalar(1), allowed]), graph.Onnx.Scalar(TransformerGraph.Masked));
        for (var i = 1; i <= options.Layers; i++)
        {
            var path = $"layer{i}";
            hidden = Add(graph, hidden, Half(graph, FeedForward(graph, hidden, $"{path}.feed_forward1")));
            hidden = Add(graph, hidden, Attention(graph, options, hidden, $"{path}.attention", turn, mask));
            hidden = Add(graph, hidden, Convolution(graph, options, hidden, $"{path}.convolution", valid));
            hidden = graph.Norm(Add(graph, hidden, Half(graph, FeedForward(graph, hidden, $"{path}.feed_forward2"))), $"{path}.norm");
        }

        return hidden;
    }

    private static string FeedForward(SpeechGraph graph, string hidden, string path) =>
        graph.Linear(Swish(graph, graph.Linear(graph.Norm(hidden, $"{path}.norm"), $"{path}.expand")), $"{path}.contract");

    private static string Attention(SpeechGraph graph, CtcConformerOptions options, string hidden, string path, (string Cosine, string Sine) turn, string mask)
    {
        var (heads, width) = (options.AttentionHeads, options.Width / options.AttentionHeads);
        var joined = graph.Onnx.Add("Reshape", [graph.Linear(graph.Norm(hidden, $"{path}.norm"), $"{path}.qkv"), graph.Onnx.Numbers(0, 0, 3 * heads, width)]);
        var parts = graph.Onnx.AddMany("Split", [graph.Transpose(joined, 0, 2, 1, 3), graph.Onnx.Numbers(heads, heads, heads)], 3, ("axis", 1L));
        var (queries, keys) = (Turned(graph, parts[0], width, turn), Turned(graph, parts[1], width, turn));
        var products = graph.Onnx.Add("MatMul", [Multiply(graph, queries, graph.Onnx.Scalar((float)(1 / Math.Sqrt(width)))), graph.Transpose(keys, 0, 1, 3, 2)]);
        var weights = graph.Onnx.Add("Softmax", [Add(graph, products, mask)], null, ("axis", -1L));
        var read = graph.Transpose(graph.Onnx.Add("MatMul", [weights, parts[2]]), 0, 2, 1, 3);
        return graph.Linear(graph.Onnx.Add("Reshape", [read, graph.Onnx.Numbers(0, 0, options.Width)]), $"{path}.projection");
    }

    private static string Turned(SpeechGraph graph, string value, int width, (string Cosine, string Sine) turn)
    {
        var halves = graph.Onnx.AddMany("Split", [value, graph.Onnx.Numbers(width / 2, width / 2)], 2, ("axis", -1L));
        var first = graph.Onnx.Add("Sub", [Multiply(graph, halves[0], turn.Cosine), Multiply(graph, halves[1], turn.Sine)]);
        var second = Add(graph, Multiply(graph, halves[1], turn.Cosine), Multiply(graph, halves[0], turn.Sine));
        return graph.Onnx.Add("Concat", [first, second], null, ("axis", -1L));
    }

    private static string Convolution(SpeechGraph graph, CtcConformerOptions options, string hidden, string path, string valid)
    {
        var parts = graph.Onnx.AddMany("Split", [graph.Linear(graph.Norm(hidden, $"{path}.norm"), $"{path}.gate"), graph.Onnx.Numbers(options.Width, options.Width)], 2, ("axis", -1L));
        var gated = Multiply(graph, Multiply(graph, parts[0], graph.Onnx.Add("Sigmoid", [parts[1]])), graph.Onnx.Add("Unsqueeze", [valid, graph.Onnx.Numbers(2)]));
        long[] padding = options.Bidirectional ? [options.Kernel / 2, options.Kernel / 2] : [options.Kernel - 1, 0];
        var mixed = graph.Onnx.Add(
            "Conv", [graph.Transpose(gated, 0, 2, 1), graph.Weight($"{path}.depthwise.weight"), graph.Weight($"{path}.depthwise.bias")], null,
            ("kernel_shape", new long[] { options.Kernel }), ("group", (long)options.Width), ("pads", padding));
        return graph.Linear(Swish(graph, graph.Norm(graph.Transpose(mixed, 0, 2, 1), $"{path}.depthwise_norm")), $"{path}.projection");
    }

    private static string Swish(SpeechGraph graph, string value) => Multiply(graph, value, graph.Onnx.Add("Sigmoid", [value]));

    private static string Half(SpeechGraph graph, string value) => Multiply(graph, value, graph.Onnx.Scalar(0.5f));

    private static string Multiply(SpeechGraph graph, string left, string right) => graph.Onnx.Add("Mul", [left, right]);

    private static string Add(SpeechGraph graph, string left, string right) => graph.Onnx.Add("Add", [left, right]);
}
