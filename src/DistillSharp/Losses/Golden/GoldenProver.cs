using System.Text.Json;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Golden;

/// <summary>
/// Compares the losses of this library, gradients included, and its metrics with values computed by other code. A file that cannot be read
/// or does not fit fails with a message; nothing stops the other files.
/// </summary>
/// <param name="losses">Known methods.</param>
/// <param name="metrics">Known metrics.</param>
public sealed class GoldenProver(LossRegistry losses, MetricRegistry metrics)
{
    /// <summary>Device of the computation.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>float64 or float32.</summary>
    public ScalarType Dtype { get; init; } = ScalarType.Float64;

    private GoldenTolerance Tolerance => Dtype == ScalarType.Float64 ? GoldenTolerance.Float64 : GoldenTolerance.Float32;

    /// <summary>Proves every file of a folder and below, one proof a loss and one a score; the files shipped inside the library where none is given.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="ArgumentException">The folder holds no vector, or the type is neither float64 nor float32.</exception>
    public IReadOnlyList<GoldenResult> Prove(string? folder = null)
    {
        if (Dtype is not (ScalarType.Float64 or ScalarType.Float32))
        {
            throw new ArgumentException($"losses are proved in float64 or float32, not {Dtype}");
        }

        var files = folder is null ? [.. GoldenFiles.Embedded("losses"), .. GoldenFiles.Embedded("metrics")] : GoldenFiles.In(folder);
        return files.Count > 0
            ? [.. files.SelectMany(file => IsMetrics(file) ? MetricProver.Prove(file, metrics) : [ProveLoss(file)])]
            : throw new ArgumentException($"`{folder}` holds no vectors; it must hold *.json files of losses or metrics");
    }

    /// <summary>Proves one file of a loss.</summary>
    public GoldenResult ProveLoss(GoldenFile file)
    {
        var method = "";
        try
        {
            var vector = GoldenVector.Parse(file.Read());
            method = vector.Method;
            using var scope = NewDisposeScope();
            return Compare(file.Name, vector, losses.Get(method));
        }
        catch (Exception error)
        {
            return GoldenResult.Failure(file.Name, method, error is GoldenFormatException or ArgumentException ? error.Message : $"{error.GetType().Name}: {error.Message}");
        }
    }

    /// <summary>True for an object with <c>sets</c> or <c>scores</c>. What cannot be read is taken for a loss, whose reader says what is wrong.</summary>
    private static bool IsMetrics(GoldenFile file)
    {
        try
        {
            using var document = JsonDocument.Parse(file.Read());
            return document.RootElement.ValueKind == JsonValueKind.Object && (document.RootElement.TryGetProperty("scores", out _) || document.RootElement.TryGetProperty("sets", out _));
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private GoldenResult Compare(string file, GoldenVector vector, GoldenLoss loss)
    {
        var options = new GoldenOptions(vector.Options);
        var inputs = new GoldenInputs(vector.Inputs, Dtype, Device);
        var value = loss(options, inputs);
        options.RejectUnknown();
        if (value.numel() != 1)
        {
            throw new GoldenFormatException($"the loss has shape {GoldenInputs.Show(value)}; it must be a scalar");
        }

        var faults = new List<string>();
        var number = value.to(ScalarType.Float64).item<double>();
        var lossError = Relative(Math.Abs(number - vector.Loss), Math.Abs(vector.Loss));
        if (!(lossError <= Tolerance.Loss))
        {
            faults.Add($"loss {number:R} differs from {vector.Loss:R} by {lossError:0.0e+0} (at most {Tolerance.Loss:0e+0})");
        }

        var gradientErrors = GradientErrors(vector, inputs, value);
        foreach (var (name, error) in gradientErrors.Where(entry => !(entry.Value <= Tolerance.Gradient)))
        {
            faults.Add($"gradient of {name} differs by {error:0.0e+0} (at most {Tolerance.Gradient:0e+0})");
        }

        return new GoldenResult(file, vector.Method, faults.Count == 0, lossError, gradientErrors, string.Join("; ", faults));
    }

    private SortedDictionary<string, double> GradientErrors(GoldenVector vector, GoldenInputs inputs, Tensor loss)
    {
        if (loss.requires_grad)
        {
            loss.backward();
        }

        var errors = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var name in inputs.StudentNames)
        {
            var reference = vector.Gradients[name].Data;
            var gradient = inputs.Required(name).grad is { } found ? found.to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray() : new double[reference.Length];
            var difference = reference.Zip(gradient, (expected, actual) => Math.Abs(expected - actual)).Aggregate(0.0, Larger);
            errors[name] = Relative(difference, reference.Max(Math.Abs));
        }

        return errors;
    }

    // Math.Max would do, but its treatment of NaN is easily lost in a refactoring, and a NaN must never pass.
    private static double Larger(double left, double right) => double.IsNaN(left) || double.IsNaN(right) ? double.NaN : Math.Max(left, right);

    private double Relative(double difference, double reference) => difference <= Tolerance.Zero ? 0 : difference / reference;
}
