using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>Options of <c>dkd</c>.</summary>
public sealed record DkdOptions
{
    /// <summary>Weight of the target-class part.</summary>
    [Option("weight of the target-class part", Min = 0)]
    public double Alpha { get; init; } = 1;

    /// <summary>Weight of the non-target part.</summary>
    [Option("weight of the non-target part", Min = 0)]
    public double Beta { get; init; } = 8;

    /// <summary>Temperature of both softmaxes.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;

    /// <summary>What samples without a label teach.</summary>
    [Option("samples without a label: left out, or with the teacher's most probable class in the label's place", OneOf = ["left_out", "teacher_class"])]
    public string Unlabelled { get; init; } = "left_out";

    internal bool TakesTeacherClass => Unlabelled == "teacher_class";
}

/// <summary>Decoupled knowledge distillation.</summary>
public sealed class DkdMethod(DkdOptions options) : LabelledLogitMethod("dkd")
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "dkd",
        "soft targets split in two: the label against the rest, and the rest among themselves",
        "Zhao et al.: Decoupled Knowledge Distillation, CVPR 2022",
        typeof(DkdOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.UsesLabels,
        Create);

    /// <inheritdoc/>
    public override double CountOf(Batch batch) => options.TakesTeacherClass && batch.Targets is { } targets && targets.dim() == 1 ? batch.Count : base.CountOf(batch);

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        var labels = Labels(input);
        if (options.TakesTeacherClass && input.Batch.Targets!.dim() == 1)
        {
            labels = labels.where(labels.ge(0), teacher.argmax(-1));
        }

        return DecoupledLoss.Compute(student, teacher, labels, options.Alpha, options.Beta, options.Temperature.ValueAt(input.Progress));
    }

    private static DkdMethod Create(object options, MethodContext context)
    {
        RequireThreeClasses("dkd", context);
        return new DkdMethod((DkdOptions)options);
    }
}
