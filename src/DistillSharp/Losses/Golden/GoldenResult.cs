namespace DistillSharp.Losses.Golden;

/// <summary>What one proof found: of a file of a loss, or of one score of a file of metrics.</summary>
/// <param name="File">Name of the file; of a score with its index.</param>
/// <param name="Method">Method or metric; empty where it could not be read.</param>
/// <param name="Passed">True where the loss and every gradient, or the score and every other figure, lie within the tolerance.</param>
/// <param name="LossError">|loss − reference| / |reference|, of a metric the score's; null where nothing was computed.</param>
/// <param name="GradientErrors">max|Δ| / max|reference| by input.</param>
/// <param name="Message">What is wrong; empty where the file passed.</param>
public sealed record GoldenResult(
    string File, string Method, bool Passed, double? LossError, IReadOnlyDictionary<string, double> GradientErrors, string Message)
{
    /// <summary>A file that could not be checked.</summary>
    public static GoldenResult Failure(string file, string method, string message) =>
        new(file, method, false, null, new Dictionary<string, double>(), message);
}

/// <summary>How near a proof must be.</summary>
/// <param name="Loss">Largest relative error of the loss.</param>
/// <param name="Gradient">Largest error of a gradient relative to its largest element.</param>
/// <param name="Zero">Errors up to this size pass whatever they are relative to: rounding where the reference is 0.</param>
public sealed record GoldenTolerance(double Loss, double Gradient, double Zero)
{
    /// <summary>1e-6 and 1e-5.</summary>
    public static GoldenTolerance Float64 { get; } = new(1e-6, 1e-5, 1e-12);

    /// <summary>1e-4 and 1e-3.</summary>
    public static GoldenTolerance Float32 { get; } = new(1e-4, 1e-3, 1e-8);
}
