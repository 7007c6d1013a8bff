using DistillSharp.Export.Onnx;

namespace DistillSharp.Export.Int8;

/// <summary>Multiplies batch normalisation into the convolution before it, so that the two are one operation of integers.</summary>
internal static class BatchNormFolding
{
    /// <summary>Folds wherever a convolution's only reader is a batch normalisation; returns how often.</summary>
    public static int Fold(OnnxModel model)
    {
        var readers = model.Operations.SelectMany(operation => operation.Inputs).CountBy(name => name).ToDictionary();
        var makers = model.Operations.Where(operation => operation.Type == "Conv").ToDictionary(operation => operation.Outputs[0]);
        var folded = new List<OnnxOperation>();
        var replaced = new Dictionary<OnnxOperation, OnnxOperation>();
        foreach (var norm in model.Operations.Where(operation => operation.Type == "BatchNormalization"))
        {
            if (makers.TryGetValue(norm.Inputs[0], out var convolution) && readers[norm.Inputs[0]] == 1 && !model.Outputs.Contains(norm.Inputs[0])
                && convolution.Inputs.Skip(1).Concat(norm.Inputs.Skip(1)).All(model.Constants.ContainsKey))
            {
                replaced[convolution] = Folded(model, convolution, norm);
                folded.Add(norm);
            }
        }

        model.Replace([.. model.Operations.Except(folded).Select(operation => replaced.GetValueOrDefault(operation, operation))]);
        model.Tidy();
        return folded.Count;
    }

    private static OnnxOperation Folded(OnnxModel model, OnnxOperation convolution, OnnxOperation norm)
    {
        var weight = model.Constants[convolution.Inputs[1]];
        var values = weight.Floats();
        var (scale, shift, mean, variance) = (Values(1), Values(2), Values(3), Values(4));
        var bias = convolution.Inputs.Count > 2 ? model.Constants[convolution.Inputs[2]].Floats() : new float[scale.Length];
        var epsilon = norm.Number("epsilon", 1e-5f);
        var size = values.Length / scale.Length;
        for (var channel = 0; channel < scale.Length; channel++)
        {
            var factor = scale[channel] / Math.Sqrt((double)variance[channel] + epsilon);
            bias[channel] = (float)(((bias[channel] - mean[channel]) * factor) + shift[channel]);
            for (var i = channel * size; i < (channel + 1) * size; i++)
            {
                values[i] = (float)(values[i] * factor);
            }
        }

        // Names of their own: a module may be used twice with another normalisation behind it.
        var name = norm.Outputs[0];
        model.Constants[$"{name}.weight"] = OnnxConstant.Of($"{name}.weight", weight.Shape, values);
        model.Constants[$"{name}.bias"] = OnnxConstant.Of($"{name}.bias", [bias.Length], bias);
        return new OnnxOperation("Conv")
        {
            Name = convolution.Name,
            Inputs = [convolution.Inputs[0], $"{name}.weight", $"{name}.bias"],
            Outputs = [name],
            Attributes = convolution.Attributes,
        };

        float[] Values(int input) => model.Constants[norm.Inputs[input]].Floats();
    }
}
