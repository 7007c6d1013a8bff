using DistillSharp.Export.Onnx;

namespace DistillSharp.Export.Int8;

/// <summary>
/// Writes pairs of QuantizeLinear and DequantizeLinear into a float graph: around activations as unsigned bytes with a scale and a zero point, in front of
/// weights as stored integers. Runtimes make one operation of integers of what stands between the pairs.
/// </summary>
internal sealed class QdqRewriter(OnnxModel model, QuantisedTensors tensors, IReadOnlyDictionary<string, (float Low, float High)> ranges, QuantisationOptions options)
{
    private const int Levels = 255;

    private readonly Dictionary<string, float> _scales = [];
    private readonly Dictionary<OnnxOperation, List<OnnxOperation>> _before = [];

    /// <summary>Rewrites the graph.</summary>
    public void Rewrite()
    {
        foreach (var (tensor, source) in tensors.Sources)
        {
            Parameters(tensor, ranges[source]);
        }

        foreach (var layer in tensors.Layers)
        {
            _before[layer] = Integers(layer);
        }

        var operations = new List<OnnxOperation>();
        foreach (var input in model.Inputs.Where(tensors.Sources.ContainsKey))
        {
            operations.AddRange(Pair(input));
        }

        foreach (var operation in model.Operations)
        {
            operations.AddRange(_before.GetValueOrDefault(operation, []));
            for (var i = 0; i < operation.Inputs.Count; i++)
            {
                if (tensors.Sources.ContainsKey(operation.Inputs[i]))
                {
                    operation.Inputs[i] = Rounded(operation.Inputs[i]);
                }
            }

            operations.Add(operation);
            operations.AddRange(operation.Outputs.Where(tensors.Sources.ContainsKey).SelectMany(Pair));
        }

        model.Replace(operations);
        model.Tidy();
    }

    private static string Rounded(string tensor) => tensor + "/rounded";

    // Zero is among the values, so that padding and what a ReLU cuts off are exact.
    private void Parameters(string tensor, (float Low, float High) range)
    {
        var (low, high) = (Math.Min(0, range.Low), Math.Max(0, range.High));
        var scale = high > low ? Math.Max((high - low) / Levels, float.Epsilon * (1 << 24)) : 1;
        _scales[tensor] = scale;
        var zero = (byte)Math.Clamp(Math.Round(-low / scale), 0, Levels);
        Add(OnnxConstant.Of(tensor + "/scale", [], [scale]));
        Add(new OnnxConstant(tensor + "/zero_point", [], OnnxConstant.UnsignedByteType, [zero]));
    }

    private OnnxOperation[] Pair(string tensor) =>
    [
        new("QuantizeLinear") { Inputs = [tensor, tensor + "/scale", tensor + "/zero_point"], Outputs = [tensor + "/integer"] },
        new("DequantizeLinear") { Inputs = [tensor + "/integer", tensor + "/scale", tensor + "/zero_point"], Outputs = [Rounded(tensor)] },
    ];

    private List<OnnxOperation> Integers(OnnxOperation layer)
    {
        var weight = model.Constants[layer.Inputs[1]];
        var axis = layer.Type switch { "Conv" => 0, "Gemm" => layer.Integer("transB", 0) == 1 ? 0 : 1, _ => 1 };
        var inputScale = _scales[layer.Inputs[0]];
        var bias = layer.Inputs.Count > 2 && layer.Inputs[2].Length > 0 ? model.Constants[layer.Inputs[2]].Floats() : null;
        var integers = IntegerWeights.Of(weight, axis, bias, inputScale, options);
        var (name, channels) = (layer.Outputs[0], integers.Scales.Length);
        var type = options.Weights == WeightBits.Unsigned ? OnnxConstant.UnsignedByteType : OnnxConstant.SignedByteType;
        Add(new OnnxConstant(name + "/weight", weight.Shape, type, integers.Values));
        Add(OnnxConstant.Of(name + "/weight/scale", [channels], integers.Scales));
        var isSigned = type == OnnxConstant.SignedByteType;
        if (!isSigned)
        {
            Add(new OnnxConstant(name + "/weight/zero_point", [channels], type, [.. Enumerable.Repeat((byte)128, channels)]));
        }

        layer.Inputs[1] = name + "/weight/rounded";
        var operations = new List<OnnxOperation> { Dequantize(name + "/weight", axis, isSigned) };
        if (bias is not null)
        {
            Add(OnnxConstant.Of(name + "/bias", [channels], integers.Bias(bias, inputScale)));
            Add(OnnxConstant.Of(name + "/bias/scale", [channels], [.. integers.Scales.Select(scale => scale * inputScale)]));
            layer.Inputs[2] = name + "/bias/rounded";
            operations.Add(Dequantize(name + "/bias", 0, isSigned: true));
        }

        return operations;
    }

    // Without a zero point it is 0. Nothing that can be left out is written: in small networks names and zeros are a tenth of the file.
    private static OnnxOperation Dequantize(string name, int axis, bool isSigned) => new("DequantizeLinear")
    {
        Inputs = isSigned ? [name, name + "/scale"] : [name, name + "/scale", name + "/zero_point"],
        Outputs = [Rounded(name)],
        Attributes = new() { ["axis"] = OnnxOperation.IntegerAttribute("axis", axis) },
    };

    private void Add(OnnxConstant constant) => model.Constants[constant.Name] = constant;
}
