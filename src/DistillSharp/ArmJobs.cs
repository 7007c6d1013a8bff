using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>What the trainer is given to train an arm: its batches, its task, and the rounding that its student learns to bear.</summary>
internal sealed class ArmJobs(RunData data)
{
    /// <summary>A job that trains an arm's network by a plan: the arm's own, or what is tried of it.</summary>
    /// <param name="arm">The arm.</param>
    /// <param name="plan">How it is trained.</param>
    /// <param name="seed">Seed of order, dropout and projectors.</param>
    /// <param name="student">The network; the caller keeps it.</param>
    /// <param name="teacher">What it learns from; null for nothing. The caller keeps it.</param>
    /// <param name="fake">What <see cref="Rounding"/> gave for the network.</param>
    /// <param name="checkpoints">Where checkpoints go; null for none.</param>
    public TrainingJob Create(ArmPlan arm, ObjectivePlan plan, int seed, Network student, Teacher? teacher, FakeQuantiser? fake, CheckpointStore? checkpoints) => new(
        arm.Name, seed, plan, student,
        stage => Source(arm, plan, stage, seed),
        (stage, probe, source) => OnPolicy(plan, Rounded(fake, plan.Scheme.Entry.CreateTask(plan.Scheme.Options, new TaskContext(student, arm.Model!, teacher, stage, probe, source)))),
        data.Validate,
        checkpoints)
    {
        SelectionMetric = data.SelectionMetric,
        BeforeStep = fake is null ? null : fake.Restore,
    };

    /// <summary>Rounds what a network computes until it is disposed; null where nothing is rounded. Students alone: what they learn from stays as it is.</summary>
    public static FakeQuantiser? Rounding(ArmPlan arm, Network student) => arm.IsOfIntegers ? new FakeQuantiser(student) : null;

    // A look ahead may take other batches for those to come; training may not.
    private IBatchSource Source(ArmPlan arm, ObjectivePlan plan, StagePlan stage, int seed) => data.IsPrepared(arm, seed)
        ? data.Source(arm, stage, seed, plan.Scheme.Entry.Partner, arm.SeesFixedViews)
        : throw new InvalidOperationException($"{JobResult.JobName(arm.Name, seed)}: what its teacher writes was not made before its training, which would be on the originals");

    private static TrainingTask Rounded(FakeQuantiser? fake, TrainingTask task)
    {
        fake?.Include(task);
        return task;
    }

    private static TrainingTask OnPolicy(ObjectivePlan plan, TrainingTask task) => plan.Targets is { By: TargetWriter.Student } options ? new OnPolicyTask(task, options) : task;
}
