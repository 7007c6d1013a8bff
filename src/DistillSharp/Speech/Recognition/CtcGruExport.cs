using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Speech.Models;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>Keys of the metadata with which an exported network of speech can be used by itself.</summary>
public static class TranscriberFile
{
    /// <summary>Characters by label − 1.</summary>
    public const string Alphabet = "speech.alphabet";

    /// <summary>Samples a second.</summary>
    public const string SampleRate = "speech.sample_rate";

    /// <summary>Mel bands.</summary>
    public const string Mels = "speech.mels";

    /// <summary>Input frames of an output frame.</summary>
    public const string Subsampling = "speech.subsampling";

    internal const string Features = "features";
    internal const string Lengths = "lengths";
    internal const string Logits = "logits";
}

/// <summary>Writes a <see cref="CtcGru"/> as ONNX: features [batch, frames, mels] and lengths [batch] in, logits [batch, frames′, classes] out, any number of each.</summary>
internal static class CtcGruExport
{
    private const double Tolerance = 2e-3;
    private const long ToFloat = 1;
    private const long ToInt32 = 6;

    /// <summary>Writes the file; what was there stays if anything fails.</summary>
    public static void Write(CtcGru network, string path, IReadOnlyDictionary<string, string> metadata)
    {
        using var scope = NewDisposeScope();
        var weights = network.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter)
            .Concat(network.named_buffers().ToDictionary(entry => entry.name, entry => entry.buffer)).ToDictionary(entry => entry.Key, entry => entry.Value);
        var (graph, options) = (new OnnxWriter(), network.Options);
        var features = graph.Input(TranscriberFile.Features, OnnxWriter.Float, "batch", "frames", weights["mean"].shape[0]);
        var lengths = graph.Input(TranscriberFile.Lengths, OnnxWriter.Int64, "batch");
        var hidden = graph.Add("Div", [graph.Add("Sub", [features, graph.Weight("mean", weights["mean"])]), graph.Weight("deviation", weights["deviation"])]);
        hidden = graph.Add("Transpose", [hidden], null, ("perm", new long[] { 0, 2, 1 }));
        for (var i = 1; i <= (options.Subsampling == 4 ? 2 : 1); i++)
        {
            var masked = graph.Add("Mul", [hidden, Mask(graph, hidden, lengths)]);
            var convolved = graph.Add(
                "Conv", [masked, graph.Weight($"convolution{i}.weight", weights[$"convolution{i}.weight"]), graph.Weight($"convolution{i}.bias", weights[$"convolution{i}.bias"])], null,
                ("kernel_shape", new long[] { 3 }), ("strides", new long[] { 2 }), ("pads", new long[] { 1, 1 }));
            hidden = graph.Add("Relu", [convolved]);
            lengths = graph.Add("Div", [graph.Add("Add", [lengths, graph.Number(1)]), graph.Number(2)]);
        }

        hidden = graph.Add("Transpose", [hidden], null, ("perm", new long[] { 2, 0, 1 }));
        var ends = graph.Add("Cast", [lengths], null, ("to", ToInt32));
        for (var i = 1; i <= options.Layers; i++)
        {
            hidden = Layer(graph, hidden, ends, $"layer{i}", options, weights);
        }

        var output = graph.Add("Add", [graph.Add("MatMul", [hidden, graph.Weight("classifier.weight", weights["classifier.weight"].t())]), graph.Weight("classifier.bias", weights["classifier.bias"])]);
        graph.Output(graph.Add("Transpose", [output], null, ("perm", new long[] { 1, 0, 2 })), TranscriberFile.Logits, OnnxWriter.Float, "batch", "frames_out", weights["classifier.bias"].shape[0]);
        OnnxExporter.Write(path, graph.Build("ctc_gru"), metadata);
    }

    /// <summary>Compares the file with the network on a batch, valid frames alone.</summary>
    /// <returns>The largest difference.</returns>
    /// <exception cref="ParityException">They differ.</exception>
    public static double Check(CtcGru network, string path, Batch batch)
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        network.eval();
        var live = network.Logits(batch);
        using var session = new InferenceSession(path, OnnxSession.Options());
        using var options = new RunOptions();
        using var features = OrtValue.CreateTensorValueFromMemory(batch.Input.contiguous().data<float>().ToArray(), batch.Input.shape);
        using var lengths = OrtValue.CreateTensorValueFromMemory(batch.Lengths[Batch.DefaultInput].data<long>().ToArray(), [batch.Count]);
        using var results = session.Run(options, [TranscriberFile.Features, TranscriberFile.Lengths], [features, lengths], [TranscriberFile.Logits]);
        var exported = tensor(results[0].GetTensorDataAsSpan<float>().ToArray(), live.shape);
        var difference = ((live - exported).abs() * network.MaskOfLogits(live, batch)!.unsqueeze(-1)).max().ToDouble();
        return difference <= Tolerance ? difference : throw new ParityException($"{path} differs from the network by {difference:G3} in a logit; {Tolerance} is allowed");
    }

    // 1 where a frame of [N, C, T] is within its utterance, shaped [N, 1, T].
    private static string Mask(OnnxWriter graph, string hidden, string lengths)
    {
        var frames = graph.Add("Gather", [graph.Add("Shape", [hidden]), graph.Number(2)], null, ("axis", 0L));
        var places = graph.Add("Unsqueeze", [graph.Add("Range", [graph.Number(0), frames, graph.Number(1)]), graph.Numbers(0)]);
        var valid = graph.Add("Less", [places, graph.Add("Unsqueeze", [lengths, graph.Numbers(1)])]);
        return graph.Add("Unsqueeze", [graph.Add("Cast", [valid], null, ("to", ToFloat)), graph.Numbers(1)]);
    }

    private static string Layer(OnnxWriter graph, string hidden, string ends, string layer, CtcGruOptions options, Dictionary<string, Tensor> weights)
    {
        string[] directions = options.Bidirectional ? ["forwards", "backwards"] : ["forwards"];
        // torch's gates are reset, update, new; ONNX's are update, reset, new.
        Tensor Gates(string name) => stack([.. directions.Select(direction => weights[$"{layer}.{direction}.{name}_l0"].chunk(3, 0)).Select(gates => cat([gates[1], gates[0], gates[2]], 0))], 0);
        var recurrent = graph.AddMany(
            "GRU",
            [
                hidden, graph.Weight($"{layer}.W", Gates("weight_ih")), graph.Weight($"{layer}.R", Gates("weight_hh")),
                graph.Weight($"{layer}.B", cat([Gates("bias_ih"), Gates("bias_hh")], 1)), ends,
            ],
            1, ("hidden_size", (long)options.Width), ("linear_before_reset", 1L), ("direction", options.Bidirectional ? "bidirectional" : "forward"))[0];
        var joined = graph.Add("Reshape", [graph.Add("Transpose", [recurrent], null, ("perm", new long[] { 0, 2, 1, 3 })), graph.Numbers(0, 0, -1)]);
        return graph.Add(
            "LayerNormalization", [joined, graph.Weight($"{layer}.norm.weight", weights[$"{layer}.norm.weight"]), graph.Weight($"{layer}.norm.bias", weights[$"{layer}.norm.bias"])], null,
            ("axis", -1L), ("epsilon", 1e-5f));
    }
}
