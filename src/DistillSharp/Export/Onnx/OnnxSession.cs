using System.Runtime.InteropServices;
using DistillSharp.Data;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace DistillSharp.Export.Onnx;

/// <summary>
/// An ONNX model that runs beside libtorch: its idle threads sleep instead of spinning, which would slow libtorch's. ONNX Runtime's telemetry is switched off
/// before it loads, unless the environment variable <c>ORT_DISABLE_TELEMETRY</c> says otherwise.
/// </summary>
public sealed class OnnxSession : IDisposable
{
    private const string TelemetrySwitch = "ORT_DISABLE_TELEMETRY";

    private readonly InferenceSession _session;
    // What goes wrong is thrown; it need not be printed as well.
    private readonly RunOptions _runOptions = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };

    // Whatever opens a session takes its options from this class.
    static OnnxSession()
    {
        NativeEnvironment.SetDefault(TelemetrySwitch, "1");
        if (OperatingSystem.IsWindows() && NativeEnvironment.Get(TelemetrySwitch) == "1")
        {
            // Windows gathers the events itself, and the variable is not asked there.
            OrtEnv.Instance().DisableTelemetryEvents();
        }
    }

    /// <summary>Loads a model.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="threads">Threads within one operation.</param>
    public OnnxSession(string path, int threads = 1)
    {
        using var options = Options(threads);
        _session = new InferenceSession(path, options);
    }

    /// <summary>Loads a model from memory.</summary>
    /// <param name="model">The bytes of an ONNX file.</param>
    /// <param name="folder">Folder of the weights that it keeps in files beside it.</param>
    /// <param name="threads">Threads within one operation.</param>
    public OnnxSession(byte[] model, string folder, int threads = 1)
    {
        using var options = Options(threads);
        options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder);
        _session = new InferenceSession(model, options);
    }

    /// <summary>Names of the inputs with their shapes; −1 stands for an axis of any length.</summary>
    public IReadOnlyDictionary<string, int[]> Inputs => _session.InputMetadata.ToDictionary(input => input.Key, input => input.Value.Dimensions);

    /// <summary>Names of the outputs, in order.</summary>
    public IReadOnlyList<string> Outputs => _session.OutputNames;

    /// <summary>Names of the outputs that are tensors of float32.</summary>
    public IReadOnlyList<string> FloatOutputs =>
        [.. _session.OutputNames.Where(name => _session.OutputMetadata[name] is { IsTensor: true, ElementDataType: TensorElementType.Float })];

    /// <summary>Names of the inputs that are tensors of float32.</summary>
    public IReadOnlyList<string> FloatInputs =>
        [.. _session.InputNames.Where(name => _session.InputMetadata[name] is { IsTensor: true, ElementDataType: TensorElementType.Float })];

    /// <summary>The model's free texts.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _session.ModelMetadata.CustomMetadataMap;

    /// <summary>Session options without spinning threads.</summary>
    public static SessionOptions Options(int threads = 1)
    {
        var options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1, ExecutionMode = ExecutionMode.ORT_SEQUENTIAL, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        options.AddSessionConfigEntry("session.inter_op.allow_spinning", "0");
        return options;
    }

    /// <summary>Runs a model of one float32 input; the caller owns the outputs, which are given in the order of <see cref="Outputs"/>.</summary>
    public IReadOnlyList<Tensor> Run(Tensor input) => Run(_session.InputNames[0], input, _session.OutputNames);

    /// <summary>The named outputs for one float32 input; the caller owns them.</summary>
    public IReadOnlyList<Tensor> Run(string inputName, Tensor input, IReadOnlyList<string> outputs)
    {
        // Native memory is lent and filled directly: managed arrays of this size would pile up between collections.
        using var local = input.detach().to(ScalarType.Float32).cpu();
        using var contiguous = local.contiguous();
        using var value = Lend(contiguous);
        using var results = _session.Run(_runOptions, [inputName], [value], outputs);
        return [.. results.Select(Copy)];
    }

    /// <summary>The named outputs, of float32, for several inputs of float32 or int64; the caller owns them.</summary>
    public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs, IReadOnlyList<string> outputs)
    {
        var lent = inputs.Values.Select(input => input.detach().cpu().contiguous()).ToList();
        var values = lent.ConvertAll(Lend);
        try
        {
            using var results = _session.Run(_runOptions, [.. inputs.Keys], values, outputs);
            return [.. results.Select(Copy)];
        }
        finally
        {
            values.ForEach(value => value.Dispose());
            lent.ForEach(tensor => tensor.Dispose());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }

    // Valid as long as the tensor is.
    private static unsafe OrtValue Lend(Tensor contiguous)
    {
        var bytes = contiguous.bytes;
        fixed (byte* start = bytes)
        {
            var type = contiguous.dtype == ScalarType.Int64 ? TensorElementType.Int64 : TensorElementType.Float;
            return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, contiguous.shape, (nint)start, bytes.Length);
        }
    }

    private static Tensor Copy(OrtValue result)
    {
        var output = empty(result.GetTensorTypeAndShape().Shape, ScalarType.Float32);
        result.GetTensorDataAsSpan<float>().CopyTo(MemoryMarshal.Cast<byte, float>(output.bytes));
        return output;
    }
}
