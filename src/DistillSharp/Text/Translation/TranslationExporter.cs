using DistillSharp.Export;
using DistillSharp.Export.Onnx;
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
    public const int LongestSequence = TransformerGraph.LongestSequence;

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
        OnnxExporter.Write(encoder, Encoder(network), complete);
        OnnxExporter.Write(decoder, GraphOf(network).Step(), complete);
    }

    private static TransformerGraph GraphOf(TransformerModel network) => new(network.state_dict(), network.Options, network.Tokens, network.Options.DecoderLayers);

    private static ProtobufWriter Encoder(TransformerModel network)
    {
        var graph = GraphOf(network);
        var onnx = graph.Onnx;
        var source = onnx.Input("source", OnnxWriter.Int64, "batch", "source_length");
        var length = onnx.Add("Gather", [onnx.Add("Shape", [source]), onnx.Numbers(1)]);
        var mask = onnx.Add("Where", [onnx.Add("Equal", [source, onnx.Number(network.Tokens.Pad)]), onnx.Scalar(TransformerGraph.Masked), onnx.Scalar(0)]);
        mask = onnx.Add("Unsqueeze", [mask, onnx.Numbers(1, 2)]);
        var positions = onnx.Add("Slice", [graph.Positions(), onnx.Numbers(0), length, onnx.Numbers(0)]);
        graph.Memory(graph.Encoder(graph.Embed(source, positions), mask, network.Options.EncoderLayers), mask);
        return onnx.Build("encoder");
    }
}
