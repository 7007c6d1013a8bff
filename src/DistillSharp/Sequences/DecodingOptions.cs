namespace DistillSharp.Sequences;

/// <summary>How sequences are searched for.</summary>
public sealed record DecodingOptions
{
    /// <summary>Hypotheses a sentence; 1 is greedy search.</summary>
    public int Beam { get; init; } = 4;

    /// <summary>α of the length normalisation: a finished hypothesis scores its log-probability / lengthᵅ, its end counted.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>Most tokens for each token of the input.</summary>
    public double LengthFactor { get; init; } = 2;

    /// <summary>Tokens that every output may have beside that.</summary>
    public int ExtraLength { get; init; } = 10;

    /// <summary>Sentences in a batch.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Input tokens in a batch, padding counted.</summary>
    public int BatchTokens { get; init; } = 4096;

    /// <summary>Most tokens of any output, however long its input is: exported decoders have no more positions.</summary>
    public int Longest { get; init; } = 1024;

    /// <summary>The most tokens of an output.</summary>
    public int LongestFor(int source) => Math.Min(Longest, (int)(LengthFactor * source) + ExtraLength);
}

/// <summary>One output of a search.</summary>
/// <param name="Tokens">Its tokens without begin and end.</param>
/// <param name="LogProbability">Sum of the log-probabilities of its tokens, its end counted.</param>
/// <param name="IsEnded">False where it was cut off at the longest length.</param>
public sealed record Hypothesis(int[] Tokens, double LogProbability, bool IsEnded)
{
    /// <summary>Log-probability / lengthᵅ.</summary>
    public double Score(double lengthPenalty) => LogProbability / Math.Pow(Tokens.Length + (IsEnded ? 1 : 0), lengthPenalty);

    /// <summary>Differences of the best and the second-best logit at the steps of a greedy search, the end's among them; none for others.</summary>
    public IReadOnlyList<double> Margins { get; init; } = [];

    /// <summary>The least of the margins; NaN where there are none.</summary>
    public double Margin => Margins.Count > 0 ? Margins.Min() : double.NaN;

    /// <summary>The margin of the step at which another greedy output parts from this one; the least where it does not part.</summary>
    public double MarginTo(Hypothesis other)
    {
        var step = Tokens.Zip(other.Tokens).TakeWhile(pair => pair.First == pair.Second).Count();
        return step < Margins.Count ? Margins[step] : Margin;
    }
}
