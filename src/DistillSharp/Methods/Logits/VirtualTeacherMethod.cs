using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>virtual_teacher</c>.</summary>
public sealed record VirtualTeacherOptions
{
    /// <summary>Probability that the designed teacher gives to the label before softening.</summary>
    [Option("probability that the designed teacher gives to the label before softening", Min = 0, Max = 1, AboveMin = true)]
    public double CorrectProbability { get; init; } = 0.99;

    /// <summary>Temperature of the designed distribution.</summary>
    [Option("temperature of the designed distribution", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 20;

    /// <summary>Code: the student stays at temperature 1; paper: it is softened too.</summary>
    [Option("code: the student stays at temperature 1; paper: it is softened too", OneOf = ["code", "paper"])]
    public string Variant { get; init; } = "code";
}

/// <summary>Teacher-free distillation by a designed teacher.</summary>
public sealed class VirtualTeacherMethod(VirtualTeacherOptions options) : LabelledLogitMethod("virtual_teacher")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "virtual_teacher",
        "a designed distribution takes the place of the teacher; no teacher is needed",
        "Yuan et al.: Revisiting Knowledge Distillation via Label Smoothing Regularization, CVPR 2020",
        typeof(VirtualTeacherOptions),
        MethodTraits.ShiftInvariant | MethodTraits.UsesLabels | MethodTraits.ReadsNoTeacher,
        (options, _) => new VirtualTeacherMethod((VirtualTeacherOptions)options))
    {
        Variant = "code or paper, by option; summed over classes, where the code divides by their number and multiplies by a factor",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input) => VirtualTeacherLoss.Compute(
        StudentLogits(input), Labels(input), options.CorrectProbability, options.Temperature.ValueAt(input.Progress), options.Variant == "paper");
}
