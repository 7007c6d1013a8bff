using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>logit_matching</c>: none.</summary>
public sealed record LogitMatchingOptions;

/// <summary>Squared difference of logits.</summary>
public sealed class LogitMatchingMethod() : LogitMethod("logit_matching")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "logit_matching",
        "the student's logits equal the teacher's (mean squared error)",
        "Ba, Caruana: Do Deep Nets Really Need to be Deep?, NeurIPS 2014",
        typeof(LogitMatchingOptions),
        MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (_, _) => new LogitMatchingMethod())
    {
        Variant = "mean over samples and classes, as common code; the paper sums over classes and halves",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return LogitMatchingLoss.Compute(student, teacher);
    }
}
