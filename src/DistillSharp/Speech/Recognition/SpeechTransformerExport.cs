using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Speech.Models;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>Writes a <see cref="SpeechTransformer"/> as two ONNX files: the encoder, which hears a batch of utterances once, and one step of the decoder.</summary>
internal static class SpeechTransformerExport
{
    /// <summary>The encoder as ONNX, beside weights of that name.</summary>
    public static string Encoder(string weights) => Path.ChangeExtension(weights, ".encoder.onnx");

    /// <summary>One step of the decoder as ONNX.</summary>
    public static string DecoderStep(string weights) => Path.ChangeExtension(weights, ".decoder.onnx");

    /// <summary>Writes both files.</summary>
    public static void Write(SpeechTransformer network, string encoder, string decoder, IReadOnlyDictionary<string, string> metadata)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var complete = new Dictionary<string, string>(metadata) { [Provenance.WeightsSha256] = WeightsHash.Of(network) };
        var (weights, options) = (network.state_dict(), network.Options);
        var speech = new SpeechGraph(network);
        var onnx = speech.Onnx;
        var (frames, _, valid) = speech.Front();
        var mask = onnx.Add("Unsqueeze", [onnx.Add("Mul", [onnx.Add("Sub", [onnx.Scalar(1), valid]), onnx.Scalar(TransformerGraph.Masked)]), onnx.Numbers(1, 2)]);
        var hidden = speech.Linear(frames, "input");
        // Positions of any number of frames: sines and cosines of the frame times the angle of each value.
        var steps = Array.ConvertAll(SinusoidalPositions.Angles(options.Width), angle => (float)angle);
        var angles = onnx.Add("Mul", [onnx.Add("Unsqueeze", [speech.AsFloat(speech.Places(hidden, 1)), onnx.Numbers(1)]), onnx.Weight("angles", tensor(steps))]);
        var positions = onnx.Add("Concat", [onnx.Add("Sin", [angles]), onnx.Add("Cos", [angles])], null, ("axis", -1L));
        var graph = new TransformerGraph(weights, options, network.Sequence, options.DecoderLayers, onnx);
        graph.Memory(graph.Encoder(onnx.Add("Add", [hidden, positions]), mask, options.EncoderLayers), mask);
        OnnxExporter.Write(encoder, onnx.Build("speech_encoder"), complete);
        OnnxExporter.Write(decoder, new TransformerGraph(weights, options, network.Sequence, options.DecoderLayers).Step(), complete);
    }
}
