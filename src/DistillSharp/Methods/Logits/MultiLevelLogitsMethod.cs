using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>multi_level_logits</c>.</summary>
public sealed record MultiLevelLogitsOptions
{
    /// <summary>Temperatures of the softmaxes; the losses are summed over them.</summary>
    [Option("temperatures of the softmaxes; the losses are summed over them", Min = 0, AboveMin = true)]
    public IReadOnlyList<double> Temperatures { get; init; } = [2, 3, 4, 5, 6];

    /// <summary>Weight of the soft targets.</summary>
    [Option("weight of the soft targets", Min = 0)]
    public double InstanceWeight { get; init; } = 1;

    /// <summary>Weight of the similarities between samples.</summary>
    [Option("weight of the similarities between samples", Min = 0)]
    public double BatchWeight { get; init; } = 1;

    /// <summary>Weight of the similarities between classes.</summary>
    [Option("weight of the similarities between classes", Min = 0)]
    public double ClassWeight { get; init; } = 1;
}

/// <summary>Multi-level logit distillation.</summary>
public sealed class MultiLevelLogitsMethod(MultiLevelLogitsOptions options) : LogitMethod("multi_level_logits")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "multi_level_logits",
        "soft targets, sample similarities and class similarities at several temperatures",
        "Jin, Wang, Lin: Multi-Level Logit Distillation, CVPR 2023",
        typeof(MultiLevelLogitsOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.CouplesSamples,
        (options, _) => new MultiLevelLogitsMethod((MultiLevelLogitsOptions)options))
    {
        Variant = "one view of each sample; the code adds a weakly and a strongly augmented view and leaves out confident samples of the weak one",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return MultiLevelLoss.Compute(
            student, teacher, options.Temperatures, options.InstanceWeight, options.BatchWeight, options.ClassWeight);
    }
}
