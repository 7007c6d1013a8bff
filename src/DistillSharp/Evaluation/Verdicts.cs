namespace DistillSharp.Evaluation;

/// <summary>What an interval says, in words.</summary>
public static class Verdicts
{
    /// <summary>Better, and the interval leaves 0 out.</summary>
    public const string Gain = "gain";

    /// <summary>Worse, and the interval leaves 0 out.</summary>
    public const string Loss = "loss";

    /// <summary>The interval holds 0.</summary>
    public const string NoDifference = "no difference";

    /// <summary>There is no interval.</summary>
    public const string NotTested = "not tested";

    /// <summary>The word for a difference.</summary>
    /// <param name="interval">Of arm − reference; null where there is none.</param>
    /// <param name="direction">Which way the metric is good.</param>
    /// <param name="chance">True where a second test (McNemar's, with one seed) calls the difference chance.</param>
    public static string Word(Interval? interval, MetricDirection direction, bool chance = false) => interval switch
    {
        null => NotTested,
        _ when direction == MetricDirection.Neither => NotTested,
        { HoldsZero: true } => NoDifference,
        _ when chance => NoDifference,
        { } other => other.Value > 0 == (direction == MetricDirection.Higher) ? Gain : Loss,
    };
}
