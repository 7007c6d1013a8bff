using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>total_variation</c>.</summary>
public sealed record TotalVariationOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Total variation distance.</summary>
public sealed class TotalVariationMethod(TotalVariationOptions options) : LogitMethod("total_variation")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "total_variation",
        "half the absolute difference of probabilities",
        "Wen et al.: f-Divergence Minimization for Sequence-Level Knowledge Distillation, ACL 2023",
        typeof(TotalVariationOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (options, _) => new TotalVariationMethod((TotalVariationOptions)options));

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return GeneralizedDivergence.AsTerm(GeneralizedDivergence.TotalVariation(student, teacher, options.Temperature.ValueAt(input.Progress)));
    }
}
