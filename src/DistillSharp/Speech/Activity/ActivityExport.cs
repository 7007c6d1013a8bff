using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Speech.Models;
using DistillSharp.Teachers;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Activity;

/// <summary>
/// Writes an <see cref="ActivityGru"/> as ONNX that follows a stream: sound [batch, 256 + 256·k] (the chunk before, zeros at the beginning, and k
/// new ones) and the state in, logits [batch, k, 2] and the next state out.
/// </summary>
internal static class ActivityExport
{
    private const double Tolerance = 2e-3;
    private const string State = "state";
    private const string NextState = "next_state";

    /// <summary>How the file is run over a stream, which is also how it teaches.</summary>
    public static StreamingOnnxTeacherOptions Reading(string path) => new()
    {
        OnnxStream = path,
        Output = OnnxExporter.OutputName,
        States = new Dictionary<string, string> { [State] = NextState },
        Chunk = ActivityOptions.Chunk,
        Context = ActivityGru.Context,
    };

    /// <summary>Writes the file; what was there stays if anything fails.</summary>
    public static void Write(ActivityGru network, string path, IReadOnlyDictionary<string, string> metadata)
    {
        using var scope = NewDisposeScope();
        var weights = network.state_dict();
        var (graph, width) = (new OnnxWriter(), (long)network.Options.Width);
        var sound = graph.Input(OnnxExporter.InputName, OnnxWriter.Float, "batch", "samples");
        var state = graph.Input(State, OnnxWriter.Float, 1L, "batch", width);
        var hidden = graph.Add("BatchNormalization", [Features(graph, network.Features, sound), .. new[] { "weight", "bias", "running_mean", "running_var" }.Select(name => graph.Weight($"norm.{name}", weights[$"norm.{name}"]))], null, ("epsilon", 1e-5f));
        hidden = graph.Add(
            "Conv", [hidden, graph.Weight("convolution.weight", weights["convolution.weight"]), graph.Weight("convolution.bias", weights["convolution.bias"])], null,
            ("kernel_shape", new long[] { 3 }), ("strides", new long[] { 2 }));
        hidden = graph.Add("Transpose", [graph.Add("Relu", [hidden])], null, ("perm", new long[] { 2, 0, 1 }));
        // torch's gates are reset, update, new; ONNX's are update, reset, new.
        Tensor Gates(string name) => weights[$"recurrent.{name}_l0"].chunk(3, 0) is var gates ? cat([gates[1], gates[0], gates[2]], 0).unsqueeze(0) : throw new InvalidOperationException();
        var read = graph.AddMany(
            "GRU",
            [hidden, graph.Weight("recurrent.W", Gates("weight_ih")), graph.Weight("recurrent.R", Gates("weight_hh")), graph.Weight("recurrent.B", cat([Gates("bias_ih"), Gates("bias_hh")], 1)), "", state],
            2, ("hidden_size", width), ("linear_before_reset", 1L));
        // [chunks, 1, batch, width] to [batch, chunks, width].
        var joined = graph.Add("Transpose", [graph.Add("Squeeze", [read[0], graph.Numbers(1)])], null, ("perm", new long[] { 1, 0, 2 }));
        var logits = graph.Add("Add", [graph.Add("MatMul", [joined, graph.Weight("classifier.weight", weights["classifier.weight"].t())]), graph.Weight("classifier.bias", weights["classifier.bias"])]);
        graph.Output(logits, OnnxExporter.OutputName, OnnxWriter.Float, "batch", "chunks", weights["classifier.bias"].shape[0]);
        graph.Output(read[1], NextState, OnnxWriter.Float, 1L, "batch", width);
        OnnxExporter.Write(path, graph.Build(network.GetName()), metadata);
    }

    /// <summary>Runs the file chunk by chunk over whole scenes and compares it with the network.</summary>
    /// <returns>The largest difference of a logit.</returns>
    /// <exception cref="ParityException">They differ.</exception>
    public static double Check(ActivityGru network, string path, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        network.eval();
        using var exported = new StreamingOnnxTeacher(Reading(path));
        using var source = exported.Open([]);
        var difference = (network.Logits(batch) - source.Read(batch).Logits.Value).abs().max().ToDouble();
        return difference <= Tolerance ? difference : throw new ParityException($"{path} differs from the network by {difference:G3} in a logit; {Tolerance} is allowed");
    }

    // [batch, mels, frames]; STFT gives [batch, frames, bins, 2].
    private static string Features(OnnxWriter graph, MelFrames features, string sound)
    {
        var spectrum = graph.Add("STFT", [graph.Add("Unsqueeze", [sound, graph.Numbers(-1)]), graph.Number(MelFrames.Hop), graph.Weight("hann", features.Hann), graph.Number(MelFrames.Window)], null, ("onesided", 1L));
        var power = graph.Add("ReduceSumSquare", [spectrum], null, ("axes", new long[] { 3 }), ("keepdims", 0L));
        var bands = graph.Add("MatMul", [power, graph.Weight("bands", features.Bands.t())]);
        return graph.Add("Transpose", [graph.Add("Log", [graph.Add("Max", [bands, graph.Scalar(MelFrames.Floor)])])], null, ("perm", new long[] { 0, 2, 1 }));
    }
}
