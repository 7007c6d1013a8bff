namespace DistillSharp.Evaluation;

/// <summary>A network gave a logit that is NaN or infinite, so that there is nothing to measure: its training diverged.</summary>
/// <param name="message">Sample, class and value.</param>
/// <param name="value">The logit.</param>
public sealed class NonFiniteLogitsException(string message, double value) : ArgumentException(message)
{
    /// <summary>The logit.</summary>
    public double Value { get; } = value;
}
