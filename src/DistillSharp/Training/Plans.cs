using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Teachers;

namespace DistillSharp.Training;

/// <summary>What one stage of a job trains, by what objective, until when.</summary>
/// <param name="Name">Unique within the job; <c>main</c> where there is one stage.</param>
/// <param name="HardLabels">Weight of the cross-entropy with the hard labels.</param>
/// <param name="Terms">Distillation terms.</param>
/// <param name="TrainUpTo">Feature point up to which the student is trained, everything after it is frozen; null for all of it.</param>
/// <param name="Training">Optimizer, epochs and so on of this stage.</param>
public sealed record StagePlan(
    string Name,
    ValueSchedule HardLabels,
    IReadOnlyList<MethodPlan> Terms,
    string? TrainUpTo,
    TrainingOptions Training)
{
    /// <summary>True where a term reads the teacher.</summary>
    public bool NeedsTeacher => Terms.Any(term => !term.Entry.Traits.HasFlag(MethodTraits.ReadsNoTeacher));

    /// <summary>True where the teacher's logits are computed once for the whole stage.</summary>
    /// <param name="isAugmented">Whether epochs may show one sample in different ways.</param>
    internal bool CachesTeacher(bool isAugmented) =>
        Training is { CacheTeacher: true, Epochs: > 1 } && !isAugmented && NeedsTeacher && Terms.All(term => term.TeacherFeatures.Count == 0 && !term.Entry.Traits.HasFlag(MethodTraits.NeedsRotations));
}

/// <summary>One scheme that recipes can name: how teacher and student relate in training.</summary>
/// <param name="Name">Recipe name.</param>
/// <param name="Summary">One line for <c>distill list schemes</c>.</param>
/// <param name="Paper">Where it comes from.</param>
/// <param name="OptionsType">Record of its options.</param>
/// <param name="NeedsTeacher">True where a teacher must be given, from which the objective's terms learn.</param>
/// <param name="CreateTask">Builds the task of a stage from the scheme's options.</param>
public sealed record SchemeEntry(
    string Name, string Summary, string Paper, Type OptionsType, bool NeedsTeacher, Func<object, TaskContext, TrainingTask> CreateTask)
{
    /// <summary>True where what the scheme remembers would be lost between stages, so that it is trained in one.</summary>
    public bool OneStage { get; init; }

    /// <summary>True where terms learn from earlier networks of the scheme itself, so that the recipe gives no teacher for them.</summary>
    public bool TeachesItself { get; init; }

    /// <summary>The terms of an objective that names none.</summary>
    public IReadOnlyList<MethodPlan> DefaultTerms { get; init; } = [];

    /// <summary>Which samples the scheme's training batches bring along.</summary>
    public BatchPartner Partner { get; init; }

    /// <summary>True where it can be trained with samples that are mixed of two (mixup, CutMix), whose hard labels are shares.</summary>
    public bool TakesMixedSamples { get; init; }

    /// <summary>What the scheme, with its options, cannot be trained with; nothing by default.</summary>
    public Func<object, TrainingOptions, IEnumerable<TrainingFault>> Refuses { get; init; } = (_, _) => [];
}

/// <summary>A key of <c>training:</c> that a scheme cannot work with.</summary>
/// <param name="Key">The key.</param>
/// <param name="Message">Why, and what would be right.</param>
public readonly record struct TrainingFault(string Key, string Message);

/// <summary>What a stage's task is built from.</summary>
/// <param name="Student">The network to train.</param>
/// <param name="StudentModel">How to build more networks like it.</param>
/// <param name="Teacher">The fixed teacher; null where there is none.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Probe">A batch of the training data on the student's device.</param>
/// <param name="Source">The training data.</param>
public sealed record TaskContext(Network Student, ModelSpec StudentModel, Teacher? Teacher, StagePlan Stage, Batch Probe, IBatchSource Source)
{
    /// <summary>Classes that the student tells apart, for schemes that keep a row of logits or probabilities a sample.</summary>
    /// <param name="scheme">Recipe name, for the message.</param>
    /// <exception cref="ArgumentException">The logits are not [N, C].</exception>
    internal long LogitClasses(string scheme)
    {
        using var reader = new SignalReader(Student, []);
        var shape = reader.Probe(Probe).Logits;
        return shape.Count == 2
            ? shape[1]
            : throw new ArgumentException($"{scheme} needs logits [N, classes]; those of {Student.GetName()} are [{string.Join(", ", shape)}]");
    }
}

/// <summary>A scheme chosen in a recipe.</summary>
public sealed record SchemeSpec(SchemeEntry Entry, object Options);

/// <summary>How one student arm is trained.</summary>
/// <param name="Scheme">The scheme; <c>offline</c> by default.</param>
/// <param name="Stages">Its stages in order; at least one.</param>
public sealed record ObjectivePlan(SchemeSpec Scheme, IReadOnlyList<StagePlan> Stages)
{
    /// <summary>Outputs of the teacher that take the place of the training targets; null for the originals.</summary>
    public TeacherTargetsOptions? Targets { get; init; }

    /// <summary>Layers of the teacher that the student starts from; null for none.</summary>
    public FromLayersOptions? FromLayers { get; init; }

    /// <summary>The earlier objective whose student takes the teacher's place; null for the teacher itself.</summary>
    public string? TaughtBy { get; init; }

    /// <summary>A student of its own; null for the recipe's.</summary>
    public ModelSpec? Student { get; init; }

    /// <summary>True where the student of its own learns as a network of eight-bit integers.</summary>
    public bool QuantisesStudent { get; init; }

    /// <summary>Epochs over all stages.</summary>
    public int Epochs => Stages.Sum(stage => stage.Training.Epochs);
}
