using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>weighted_soft_labels</c>.</summary>
public sealed record WeightedSoftLabelsOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;
}

/// <summary>Soft targets weighted by sample.</summary>
public sealed class WeightedSoftLabelsMethod(WeightedSoftLabelsOptions options) : LabelledLogitMethod("weighted_soft_labels")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "weighted_soft_labels",
        "soft targets that count more where the student is worse than the teacher",
        "Zhou et al.: Rethinking Soft Labels for Knowledge Distillation: A Bias-Variance Tradeoff Perspective, ICLR 2021",
        typeof(WeightedSoftLabelsOptions),
        MethodTraits.ShiftInvariant | MethodTraits.UsesLabels,
        (options, _) => new WeightedSoftLabelsMethod((WeightedSoftLabelsOptions)options))
    {
        Variant = "cross-entropy with the soft targets, as paper and code have it: not 0 at the teacher, though its gradient is",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return WeightedSoftLabelsLoss.Compute(student, teacher, Labels(input), options.Temperature.ValueAt(input.Progress));
    }
}
