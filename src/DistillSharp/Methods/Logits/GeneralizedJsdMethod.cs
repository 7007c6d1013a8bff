using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>generalized_jsd</c>.</summary>
public sealed record GeneralizedJsdOptions
{
    /// <summary>0 is KL(teacher to student), 1 is KL(student to teacher), between them Jensen-Shannon.</summary>
    [Option("0 is KL(teacher to student), 1 is KL(student to teacher), between them Jensen-Shannon", Min = 0, Max = 1)]
    public double Beta { get; init; } = 0.5;

    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Generalized Jensen-Shannon divergence.</summary>
public sealed class GeneralizedJsdMethod(GeneralizedJsdOptions options) : LogitMethod("generalized_jsd")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "generalized_jsd",
        "Jensen-Shannon divergence between forward and reverse KL",
        "Agarwal et al.: On-Policy Distillation of Language Models, ICLR 2024",
        typeof(GeneralizedJsdOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (options, _) => new GeneralizedJsdMethod((GeneralizedJsdOptions)options))
    {
        Variant = "no factor T²",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return GeneralizedDivergence.AsTerm(GeneralizedDivergence.JensenShannon(student, teacher, options.Beta, options.Temperature.ValueAt(input.Progress)));
    }
}
