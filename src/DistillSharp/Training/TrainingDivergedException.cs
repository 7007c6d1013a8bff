namespace DistillSharp.Training;

/// <summary>
/// A part of the loss became NaN or infinite, before anything was changed by the step; or the weights did (term <c>weights</c>), or what
/// they make of the validation split (term <c>validation</c>), and no checkpoint was made of them.
/// </summary>
public sealed class TrainingDivergedException(
    string arm, int seed, long step, string term, double value, IReadOnlyList<long> sampleIds, string? lastCheckpoint, Exception? inner = null)
    : Exception(
        $"{arm}/seed-{seed}, step {step}: {Subject(term)} is {value}"
        + (sampleIds.Count == 0 ? "" : $". Sample ids of the batch: {string.Join(", ", sampleIds.Take(16))}")
        + (sampleIds.Count > 16 ? $" … ({sampleIds.Count} in all)" : "")
        + (lastCheckpoint is null ? ". No checkpoint was written before it" : $". Last good checkpoint: {lastCheckpoint}")
        + ". Usual causes: a learning rate that is too high, or NaN in the inputs or in the teacher's outputs.",
        inner)
{
    /// <summary>The step that failed, from 1.</summary>
    public long Step { get; } = step;

    /// <summary>The term that is not finite; <c>weights</c> for the weights, <c>validation</c> for a logit of the validation split.</summary>
    public string Term { get; } = term;

    /// <summary>The samples of the batch; none for the validation split.</summary>
    public IReadOnlyList<long> SampleIds { get; } = sampleIds;

    private static string Subject(string term) => term switch
    {
        "weights" => "the norm of the weights",
        "validation" => "a logit of the validation split",
        _ => $"the loss term `{term}`",
    };
}
