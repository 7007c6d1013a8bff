using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Logits;

/// <summary>
/// A method of logits alone. Images give [N, C]; of sequences [N, T, V] every valid position is a row, padding is left out.
/// </summary>
public abstract class LogitMethod(string name) : Method(name)
{
    /// <inheritdoc/>
    /// <remarks>Of sequences the labelled positions, which are the valid ones; frames of CTC have no labels and are not known here.</remarks>
    public override double CountOf(Batch batch) => batch.Targets is { } targets && targets.dim() == 2 ? Labelled(targets) : batch.Count;

    /// <inheritdoc/>
    internal override bool CountsPositions => true;

    /// <summary>The logits of both sides, without padded positions.</summary>
    protected static (Tensor Student, Tensor Teacher) Logits(MethodInput input)
    {
        var (student, teacher) = (input.Student.Logits.Value, input.Teacher.Logits.Value.detach());
        return ValidPositions(input) is { } index ? (Rows(student, index), Rows(teacher, index)) : (student, teacher);
    }

    /// <summary>The student's logits alone, without padded positions, for methods that read no teacher.</summary>
    protected static Tensor StudentLogits(MethodInput input) =>
        ValidPositions(input) is { } index ? Rows(input.Student.Logits.Value, index) : input.Student.Logits.Value;

    /// <summary>Number of targets that are labels.</summary>
    private protected static double Labelled(Tensor targets)
    {
        using var labelled = targets.ge(0);
        using var count = labelled.sum();
        return count.item<long>();
    }

    /// <summary>Flat indices of the valid positions; null where there is no padding.</summary>
    private protected static Tensor? ValidPositions(MethodInput input) =>
        (input.Student.Logits.Mask ?? input.TeacherOrNone?.Logits.Mask)?.reshape(-1).ne(0).nonzero().reshape(-1);

    private static Tensor Rows(Tensor logits, Tensor index) => logits.reshape(-1, logits.shape[^1]).index_select(0, index);
}

/// <summary>A method of logits and hard labels. Samples without a label (−1) are left out of sum and count.</summary>
public abstract class LabelledLogitMethod(string name) : LogitMethod(name)
{
    /// <inheritdoc/>
    public override double CountOf(Batch batch) => batch.Targets is { } targets ? Labelled(targets) : batch.Count;

    /// <summary>The hard labels, without padded positions.</summary>
    /// <exception cref="InvalidOperationException">The batch has none.</exception>
    protected Tensor Labels(MethodInput input)
    {
        var targets = input.Batch.Targets ?? throw new InvalidOperationException($"{GetName()} needs hard labels, and this batch has none");
        return ValidPositions(input) is { } index ? targets.reshape(-1).index_select(0, index) : targets;
    }

    /// <summary>Refuses models of fewer classes than a formula is made for.</summary>
    /// <exception cref="ArgumentException">There are fewer than 3 classes.</exception>
    private protected static void RequireThreeClasses(string name, MethodContext context)
    {
        if (context.StudentShapes.Logits[^1] < 3)
        {
            throw new ArgumentException(
                $"{name} needs at least 3 classes, not {context.StudentShapes.Logits[^1]}: with 2 there is nothing to compare among the classes that are not the label. Use soft_target");
        }
    }
}
