using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>skewed_kl</c>.</summary>
public sealed record SkewedKlOptions
{
    /// <summary>Share of the first distribution in the mixture that it is compared with.</summary>
    [Option("share of the first distribution in the mixture that it is compared with", Min = 0, Max = 0.999)]
    public double Alpha { get; init; } = 0.1;

    /// <summary>Forward: KL from the teacher; reverse: KL from the student.</summary>
    [Option("forward: KL from the teacher; reverse: KL from the student", OneOf = ["forward", "reverse"])]
    public string Direction { get; init; } = "forward";

    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Skewed KL divergence.</summary>
public sealed class SkewedKlMethod(SkewedKlOptions options) : LogitMethod("skewed_kl")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "skewed_kl",
        "KL to a mixture of both distributions, which bounds its gradient",
        "Ko et al.: DistiLLM: Towards Streamlined Distillation for Large Language Models, ICML 2024",
        typeof(SkewedKlOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (options, _) => new SkewedKlMethod((SkewedKlOptions)options))
    {
        Variant = "forward or reverse, by option; no factor T²",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        var rows = GeneralizedDivergence.Skewed(student, teacher, options.Alpha, options.Direction == "reverse", options.Temperature.ValueAt(input.Progress));
        return GeneralizedDivergence.AsTerm(rows);
    }
}
