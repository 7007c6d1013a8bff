using DistillSharp.Export.Onnx;
using DistillSharp.Speech.Models;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>Operations that the exported networks of speech share. Weights keep their names.</summary>
internal sealed class SpeechGraph(SpeechNetwork network)
{
    private const long ToFloat = 1;
    private readonly Dictionary<string, Tensor> _weights = network.named_parameters().Select(entry => (entry.name, Value: (Tensor)entry.parameter))
        .Concat(network.named_buffers().Select(entry => (entry.name, Value: entry.buffer))).ToDictionary(entry => entry.name, entry => entry.Value);

    /// <summary>What is written to.</summary>
    public OnnxWriter Onnx { get; } = new();

    /// <summary>A weight of the network.</summary>
    public Tensor this[string name] => _weights[name];

    /// <summary>Inputs, normalisation and convolutions: frames [N, T, channels], their lengths [N], and 1 at valid frames [N, T].</summary>
    public (string Frames, string Lengths, string Valid) Front()
    {
        var features = Onnx.Input(TranscriberFile.Features, OnnxWriter.Float, "batch", "frames", this["mean"].shape[0]);
        var lengths = Onnx.Input(TranscriberFile.Lengths, OnnxWriter.Int64, "batch");
        var hidden = Onnx.Add("Div", [Onnx.Add("Sub", [features, Weight("mean")]), Weight("deviation")]);
        hidden = Transpose(hidden, 0, 2, 1);
        for (var i = 1; i <= (network.Subsampling == 4 ? 2 : 1); i++)
        {
            var masked = Onnx.Add("Mul", [hidden, Onnx.Add("Unsqueeze", [Valid(hidden, 2, lengths), Onnx.Numbers(1)])]);
            var convolved = Onnx.Add("Conv", [masked, Weight($"convolution{i}.weight"), Weight($"convolution{i}.bias")], null, ("kernel_shape", new long[] { 3 }), ("strides", new long[] { 2 }), ("pads", new long[] { 1, 1 }));
            hidden = Onnx.Add("Relu", [convolved]);
            lengths = Onnx.Add("Div", [Onnx.Add("Add", [lengths, Onnx.Number(1)]), Onnx.Number(2)]);
        }

        return (Transpose(hidden, 0, 2, 1), lengths, Valid(hidden, 2, lengths));
    }

    /// <summary>A weight by its name.</summary>
    public string Weight(string name) => Onnx.Weight(name, this[name]);

    /// <summary>A linear layer.</summary>
    public string Linear(string value, string path)
    {
        var product = Onnx.Add("MatMul", [value, Onnx.Weight($"{path}.weight", this[$"{path}.weight"].t())]);
        return _weights.ContainsKey($"{path}.bias") ? Onnx.Add("Add", [product, Weight($"{path}.bias")]) : product;
    }

    /// <summary>A layer normalisation.</summary>
    public string Norm(string value, string path) =>
        Onnx.Add("LayerNormalization", [value, Weight($"{path}.weight"), Weight($"{path}.bias")], null, ("axis", -1L), ("epsilon", 1e-5f));

    /// <summary>Another order of the axes.</summary>
    public string Transpose(string value, params long[] axes) => Onnx.Add("Transpose", [value], null, ("perm", axes));

    /// <summary>The numbers 0, 1 … below the length of an axis.</summary>
    public string Places(string value, long axis) =>
        Onnx.Add("Range", [Onnx.Number(0), Onnx.Add("Gather", [Onnx.Add("Shape", [value]), Onnx.Number(axis)], null, ("axis", 0L)), Onnx.Number(1)]);

    /// <summary>Whole numbers or truths as float32.</summary>
    public string AsFloat(string value) => Onnx.Add("Cast", [value], null, ("to", ToFloat));

    private string Valid(string hidden, long axis, string lengths) =>
        AsFloat(Onnx.Add("Less", [Onnx.Add("Unsqueeze", [Places(hidden, axis), Onnx.Numbers(0)]), Onnx.Add("Unsqueeze", [lengths, Onnx.Numbers(1)])]));
}
