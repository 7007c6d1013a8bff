using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Runs;

namespace DistillSharp.Training;

/// <summary>What a job is given: one student, trained through the stages of a plan.</summary>
/// <param name="Arm">Arm name, for events.</param>
/// <param name="Seed">Seed of order, dropout and projectors.</param>
/// <param name="Plan">Scheme and stages.</param>
/// <param name="Student">The network; its weights are what training starts from.</param>
/// <param name="Source">The training batches of a stage (batch size and augmentation are the stage's).</param>
/// <param name="CreateTask">Builds the task of a stage from one probe batch.</param>
/// <param name="Validate">Metrics on the validation split; <see cref="SelectionMetric"/> selects.</param>
/// <param name="Checkpoints">Where checkpoints go; null for none (trials).</param>
public sealed record TrainingJob(
    string Arm,
    int Seed,
    ObjectivePlan Plan,
    Network Student,
    Func<StagePlan, IBatchSource> Source,
    Func<StagePlan, Batch, IBatchSource, TrainingTask> CreateTask,
    Func<Network, IReadOnlyDictionary<string, double>> Validate,
    CheckpointStore? Checkpoints)
{
    /// <summary>Metric of validation by which the best epoch is chosen.</summary>
    public string SelectionMetric { get; init; } = "top1";

    /// <summary>Called before every step of the optimizer, when all gradients are there, and before weights are read or replaced.</summary>
    public Action? BeforeStep { get; init; }

    /// <summary>Told of the last stage's task, with the weights that are kept, before it is disposed.</summary>
    public Action<TrainingTask>? Finished { get; init; }
}

/// <summary>What training ended with.</summary>
/// <param name="State">Its last state: epochs, steps, seconds.</param>
/// <param name="Validation">Validation metrics of the weights that were kept.</param>
/// <param name="SelectedEpoch">The epoch (from 1) whose weights were kept.</param>
public sealed record TrainingOutcome(TrainingState State, IReadOnlyDictionary<string, double> Validation, int SelectedEpoch);
