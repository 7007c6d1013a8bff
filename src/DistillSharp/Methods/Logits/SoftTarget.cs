using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>soft_target</c>.</summary>
public sealed record SoftTargetOptions
{
    /// <summary>T of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;
}

/// <summary>Soft targets: T²·KL(teacher ‖ student) at temperature T.</summary>
public sealed class SoftTarget(SoftTargetOptions options) : Method("soft_target")
{
    /// <summary>Catalog entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "soft_target", "the teacher's softened class probabilities are the student's targets",
        "Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015",
        typeof(SoftTargetOptions), MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher,
        (chosen, _) => new SoftTarget((SoftTargetOptions)chosen));

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input) =>
        SoftTargetLoss.Compute(input.Student.Logits.Value, input.Teacher.Logits.Value, options.Temperature.ValueAt(input.Progress));
}
