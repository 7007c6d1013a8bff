using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>nkd</c>.</summary>
public sealed record NkdOptions
{
    /// <summary>Weight of the non-target part.</summary>
    [Option("weight of the non-target part", Min = 0)]
    public double Gamma { get; init; } = 1.5;

    /// <summary>Temperature of the non-target part.</summary>
    [Option("temperature of the non-target part", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Normalized knowledge distillation.</summary>
public sealed class NkdMethod(NkdOptions options) : LabelledLogitMethod("nkd")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "nkd",
        "the label's probability as a weight, and the other classes normalised among themselves",
        "Yang et al.: From Knowledge Distillation to Self-Knowledge Distillation: A Unified Approach with Normalized Loss and Customized Soft Labels, ICCV 2023",
        typeof(NkdOptions),
        MethodTraits.ShiftInvariant | MethodTraits.UsesLabels,
        Create);

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return NormalizedLoss.Compute(student, teacher, Labels(input), options.Gamma, options.Temperature.ValueAt(input.Progress));
    }

    private static NkdMethod Create(object options, MethodContext context)
    {
        RequireThreeClasses("nkd", context);
        return new NkdMethod((NkdOptions)options);
    }
}
