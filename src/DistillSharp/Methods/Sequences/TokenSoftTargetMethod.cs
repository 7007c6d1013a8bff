using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Sequences;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>token_soft_target</c>.</summary>
public sealed record TokenSoftTargetOptions
{
    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 1;
}

/// <summary>Soft targets by token: T²·KL(teacher ‖ student), averaged over the valid positions of the whole batch.</summary>
public sealed class TokenSoftTargetMethod(TokenSoftTargetOptions options) : TokenMethod("token_soft_target")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "token_soft_target",
        "soft targets at every valid position of a sequence",
        "Kim, Rush: Sequence-Level Knowledge Distillation, EMNLP 2016 (word level)",
        typeof(TokenSoftTargetOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences | MethodTraits.Tokens,
        Create);

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var mask = input.Student.Logits.Mask ?? input.Teacher.Logits.Mask;
        return TokenLoss.SoftTarget(input.Student.Logits.Value, input.Teacher.Logits.Value.detach(), mask, options.Temperature.ValueAt(input.Progress));
    }

    private static TokenSoftTargetMethod Create(object options, MethodContext context)
    {
        RequireSequences("token_soft_target", context);
        return new TokenSoftTargetMethod((TokenSoftTargetOptions)options);
    }
}
