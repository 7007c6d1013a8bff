using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Sequences;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>token_jsd</c>.</summary>
public sealed record TokenJsdOptions
{
    /// <summary>0 is KL(teacher to student), 1 is KL(student to teacher), between them Jensen-Shannon.</summary>
    [Option("0 is KL(teacher to student), 1 is KL(student to teacher), between them Jensen-Shannon", Min = 0, Max = 1)]
    public double Beta { get; init; } = 0.5;

    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Generalized Jensen-Shannon divergence by token, averaged over the valid positions of the whole batch.</summary>
public sealed class TokenJsdMethod(TokenJsdOptions options) : TokenMethod("token_jsd")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "token_jsd",
        "Jensen-Shannon divergence at every valid position of a sequence",
        "Agarwal et al.: On-Policy Distillation of Language Models, ICLR 2024",
        typeof(TokenJsdOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences | MethodTraits.Tokens,
        Create)
    {
        Variant = "no factor T²",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var mask = input.Student.Logits.Mask ?? input.Teacher.Logits.Mask;
        return TokenLoss.JensenShannon(input.Student.Logits.Value, input.Teacher.Logits.Value.detach(), mask, options.Beta, options.Temperature.ValueAt(input.Progress));
    }

    private static TokenJsdMethod Create(object options, MethodContext context)
    {
        RequireSequences("token_jsd", context);
        return new TokenJsdMethod((TokenJsdOptions)options);
    }
}
