using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>dist</c>.</summary>
public sealed record DistOptions
{
    /// <summary>Weight of the relation between classes.</summary>
    [Option("weight of the relation between classes", Min = 0)]
    public double Beta { get; init; } = 1;

    /// <summary>Weight of the relation between samples.</summary>
    [Option("weight of the relation between samples", Min = 0)]
    public double Gamma { get; init; } = 1;

    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Pearson correlation of softened probabilities.</summary>
public sealed class DistMethod(DistOptions options) : LogitMethod("dist")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "dist",
        "probabilities correlate with the teacher's, along classes and along samples",
        "Huang et al.: Knowledge Distillation from A Stronger Teacher, NeurIPS 2022",
        typeof(DistOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.CouplesSamples,
        (options, _) => new DistMethod((DistOptions)options))
    {
        Variant = "norms are floored at 1e-8 each; some code adds 1e-8 to their product",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return CorrelationLoss.Compute(student, teacher, options.Beta, options.Gamma, options.Temperature.ValueAt(input.Progress));
    }
}
