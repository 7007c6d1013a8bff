using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Export.Onnx;
using static TorchSharp.torch;

namespace DistillSharp.Export.Int8;

/// <summary>
/// Makes an ONNX network of eight-bit integers out of one of floats, after training: static ranges of activations from calibration samples, a scale for every
/// output channel of weights, written as QuantizeLinear and DequantizeLinear (Jacob et al., Quantization and Training of Neural Networks for Efficient
/// Integer-Arithmetic-Only Inference, CVPR 2018).
/// </summary>
public static class OnnxQuantiser
{
    private const int SmallestOpset = 13;

    /// <summary>Quantises a file.</summary>
    /// <param name="source">The float ONNX file.</param>
    /// <param name="destination">Where the int8 file goes; what was there stays if anything fails.</param>
    /// <param name="batches">Calibration inputs [N, …] as the network sees them, from the training data.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">There are no calibration samples.</exception>
    /// <exception cref="InvalidDataException">The source is no sound ONNX file.</exception>
    /// <exception cref="NotSupportedException">The source has several inputs, an old operator set, or nothing to quantise.</exception>
    public static QuantisationResult Quantise(string source, string destination, IReadOnlyList<Tensor> batches, QuantisationOptions? options = null)
    {
        options ??= new QuantisationOptions();
        var samples = (int)batches.Sum(batch => batch.shape[0]);
        if (samples == 0)
        {
            throw new ArgumentException("ranges of activations are measured on training samples; none were given");
        }

        var model = Checked(source);
        BatchNormFolding.Fold(model);
        var tensors = QuantisedTensors.Of(model);
        if (tensors.Layers.Count == 0)
        {
            throw new NotSupportedException($"{source} has no convolution and no product of matrices with constant weights; there is nothing to quantise");
        }

        var measured = tensors.Sources.Values.Distinct().ToList();
        var ranges = ActivationRanges.Measure(model, measured, batches, options);
        new QdqRewriter(model, tensors, ranges, options).Rewrite();
        Describe(model, options, samples);
        AtomicFile.Write(destination, model.CopyTo);
        return new QuantisationResult(tensors.Layers.Count, tensors.FloatLayers, tensors.Sources.Count, samples, new FileInfo(destination).Length, FileTarget.Of(source).Length);
    }

    private static OnnxModel Checked(string source)
    {
        var model = OnnxModel.Read(source);
        if (model.Operations.Exists(operation => operation.Type is "QuantizeLinear" or "DequantizeLinear"))
        {
            throw new NotSupportedException($"{source} is quantised already; give the float file");
        }

        if (model.Inputs.Count != 1)
        {
            throw new NotSupportedException($"{source} has {model.Inputs.Count} inputs ({string.Join(", ", model.Inputs)}); classifiers of one input are quantised");
        }

        return model.Opset >= SmallestOpset
            ? model
            : throw new NotSupportedException($"{source} uses operator set {model.Opset}; a scale for every channel needs {SmallestOpset} or later");
    }

    private static void Describe(OnnxModel model, QuantisationOptions options, int samples)
    {
        if (model.Metadata.Remove(Provenance.ContentSha256, out var content))
        {
            model.Metadata[Provenance.FloatSha256] = content;
        }

        model.Metadata[Provenance.Quantisation] = JsonSerializer.Serialize(new
        {
            activations = "uint8",
            weights = options.Weights == WeightBits.Unsigned ? "uint8" : "int8",
            largest_weight = options.LargestWeight,
            per_channel = true,
            calibration = ConfigBinder.SnakeCase(options.Calibration.ToString()),
            samples,
        });
    }
}
