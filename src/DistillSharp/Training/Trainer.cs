using DistillSharp.RunLog;

namespace DistillSharp.Training;

/// <summary>
/// The training loop. It knows a <see cref="TrainingTask"/> and nothing of methods, teachers or domains. On one thread a job
/// that is killed and resumed ends with the same bits as one that was not.
/// </summary>
public sealed class Trainer(IRunEventSink events, TimeProvider clock)
{
    /// <summary>Trains a job from its newest checkpoint, or from the start.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; a checkpoint of the last step was written.</exception>
    /// <exception cref="TrainingDivergedException">The loss is not a finite number.</exception>
    public TrainingOutcome Run(TrainingJob job, CancellationToken cancellation = default)
    {
        var saved = job.Checkpoints?.ReadLatest();
        var state = saved is null ? new TrainingState() : TrainingState.FromJson(saved.State);
        var validation = (IReadOnlyDictionary<string, double>)new Dictionary<string, double>();
        try
        {
            for (var index = state.Stage; index < job.Plan.Stages.Count; index++)
            {
                state = state with { Stage = index };
                using var run = new StageRun(job, job.Plan.Stages[index], state, saved?.Tensors, events, clock);
                (state, validation) = run.Train(cancellation);
                saved?.Dispose();
                saved = null;
                state = state with { Stage = index + 1, Epoch = 0, Batch = 0, StageStep = 0 };
            }
        }
        finally
        {
            saved?.Dispose();
        }

        var selected = job.Plan.Stages[^1].Training.Select == Selection.Best && state.Best is not null ? state.BestEpoch : job.Plan.Epochs;
        return new TrainingOutcome(state, validation, selected);
    }
}
