using DistillSharp.Config;
using DistillSharp.Methods;

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
}

/// <summary>One scheme that recipes can name: how teacher and student relate in training.</summary>
/// <param name="Name">Recipe name.</param>
/// <param name="Summary">One line for <c>distill list schemes</c>.</param>
/// <param name="Paper">Where it comes from.</param>
/// <param name="OptionsType">Record of its options.</param>
/// <param name="NeedsTeacher">True where a teacher must be given.</param>
public sealed record SchemeEntry(string Name, string Summary, string Paper, Type OptionsType, bool NeedsTeacher);

/// <summary>A scheme chosen in a recipe.</summary>
public sealed record SchemeSpec(SchemeEntry Entry, object Options);

/// <summary>How one student arm is trained.</summary>
/// <param name="Scheme">The scheme; <c>offline</c> by default.</param>
/// <param name="Stages">Its stages in order; at least one.</param>
public sealed record ObjectivePlan(SchemeSpec Scheme, IReadOnlyList<StagePlan> Stages)
{
    /// <summary>Epochs over all stages.</summary>
    public int Epochs => Stages.Sum(stage => stage.Training.Epochs);
}
