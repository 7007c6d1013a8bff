using DistillSharp.Export.Onnx;
using DistillSharp.Speech.Models;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>Writes a <see cref="CtcNetwork"/> as ONNX: features [batch, frames, mels] and lengths [batch] in, logits [batch, frames′, classes] out, any number of each.</summary>
internal static class CtcExport
{
    private const long ToInt32 = 6;

    /// <summary>Writes the file; what was there stays if anything fails.</summary>
    /// <exception cref="NotSupportedException">It is no network of this library.</exception>
    public static void Write(CtcNetwork network, string path, IReadOnlyDictionary<string, string> metadata)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var graph = new SpeechGraph(network);
        var (frames, lengths, valid) = graph.Front();
        var hidden = network switch
        {
            CtcGru gru => Layers(graph, gru.Options, frames, lengths),
            CtcConformer conformer => ConformerGraph.Layers(graph, conformer.Options, frames, valid),
            _ => throw new NotSupportedException($"{network.GetName()} cannot be written as ONNX"),
        };
        graph.Onnx.Output(graph.Linear(hidden, "classifier"), TranscriberFile.Logits, OnnxWriter.Float, "batch", "frames_out", network.Sound.Classes);
        OnnxExporter.Write(path, graph.Onnx.Build(network.GetName()), metadata);
    }

    private static string Layers(SpeechGraph graph, CtcGruOptions options, string frames, string lengths)
    {
        var ends = graph.Onnx.Add("Cast", [lengths], null, ("to", ToInt32));
        var hidden = graph.Transpose(frames, 1, 0, 2);
        for (var i = 1; i <= options.Layers; i++)
        {
            hidden = Recurrent(graph, hidden, ends, $"layer{i}", options);
        }

        return graph.Transpose(hidden, 1, 0, 2);
    }

    private static string Recurrent(SpeechGraph graph, string hidden, string ends, string layer, CtcGruOptions options)
    {
        string[] directions = options.Bidirectional ? ["forwards", "backwards"] : ["forwards"];
        // torch's gates are reset, update, new; ONNX's are update, reset, new.
        Tensor Gates(string name) => stack([.. directions.Select(direction => graph[$"{layer}.{direction}.{name}_l0"].chunk(3, 0)).Select(gates => cat([gates[1], gates[0], gates[2]], 0))], 0);
        var recurrent = graph.Onnx.AddMany(
            "GRU",
            [
                hidden, graph.Onnx.Weight($"{layer}.W", Gates("weight_ih")), graph.Onnx.Weight($"{layer}.R", Gates("weight_hh")),
                graph.Onnx.Weight($"{layer}.B", cat([Gates("bias_ih"), Gates("bias_hh")], 1)), ends,
            ],
            1, ("hidden_size", (long)options.Width), ("linear_before_reset", 1L), ("direction", options.Bidirectional ? "bidirectional" : "forward"))[0];
        return graph.Norm(graph.Onnx.Add("Reshape", [graph.Transpose(recurrent, 0, 2, 1, 3), graph.Onnx.Numbers(0, 0, -1)]), $"{layer}.norm");
    }
}
