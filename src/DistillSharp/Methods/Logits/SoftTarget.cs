using DistillSharp.Config;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;

namespace DistillSharp.Methods.Logits;

/// <summary>What the outputs of a model mean.</summary>
public enum OutputKind
{
    /// <summary>One of several classes: softmax.</summary>
    Classes,

    /// <summary>Any number of labels at once, or one yes-or-no question: a sigmoid each.</summary>
    Sigmoid,

    /// <summary>Numbers.</summary>
    Regression,
}

/// <summary>Options of <c>soft_target</c>.</summary>
public sealed record SoftTargetOptions : ICheckedOptions
{
    /// <summary>T of both softmaxes or sigmoids.</summary>
    [Option("temperature of both softmaxes", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;

    /// <summary>What the outputs mean.</summary>
    [Option("what the outputs are: classes (softmax), sigmoid (binary or multi-label) or regression")]
    public OutputKind Outputs { get; init; } = OutputKind.Classes;

    /// <summary>True where the teacher's most likely class is learned as a label.</summary>
    [Option("learn the teacher's most likely class as a label at temperature 1, without its probabilities (hard distillation of DeiT)")]
    public bool Hard { get; init; }

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Hard && Outputs != OutputKind.Classes)
        {
            errors.Add(node.PathOf("hard"), "needs outputs that are classes, of which one is the most likely", node.Line);
        }
    }
}

/// <summary>Soft targets: T²·KL(teacher ‖ student) at temperature T.</summary>
public sealed class SoftTarget(SoftTargetOptions options) : LogitMethod("soft_target")
{
    /// <summary>Catalog entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "soft_target",
        "the teacher's softened class probabilities are the student's targets",
        "Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015",
        typeof(SoftTargetOptions),
        MethodTraits.ShiftInvariant | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (chosen, _) => new SoftTarget((SoftTargetOptions)chosen))
    {
        Variant = "with the factor T², KL summed over classes and averaged over samples (or valid positions)",
    };

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = Logits(input);
        return options.Outputs switch
        {
            OutputKind.Classes when options.Hard => HardLabels.CrossEntropy(student, teacher.argmax(-1)),
            OutputKind.Sigmoid => SoftTargetLoss.Sigmoid(student, teacher, options.Temperature.ValueAt(input.Progress)),
            OutputKind.Regression => SoftTargetLoss.Regression(student, teacher),
            _ => SoftTargetLoss.Compute(student, teacher, options.Temperature.ValueAt(input.Progress)),
        };
    }
}
