using System.Text.Json.Serialization;

namespace DistillSharp.RunLog;

/// <summary>Something that happened in a run. Events are appended to <c>events.jsonl</c>, one JSON object a line, kind first.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(RunStarted), "run_started")]
[JsonDerivedType(typeof(JobStarted), "job_started")]
[JsonDerivedType(typeof(StepLogged), "step")]
[JsonDerivedType(typeof(EpochEnded), "epoch")]
[JsonDerivedType(typeof(CheckpointSaved), "checkpoint")]
[JsonDerivedType(typeof(JobEnded), "job_ended")]
[JsonDerivedType(typeof(NoteLogged), "note")]
[JsonDerivedType(typeof(RunEnded), "run_ended")]
public abstract record RunEvent
{
    /// <summary>When it happened (UTC).</summary>
    public DateTimeOffset Time { get; init; }
}

/// <summary>A run began or was resumed.</summary>
/// <param name="Name">The recipe's name.</param>
/// <param name="Jobs">Arms × seeds, as <c>arm/seed-n</c>, in the order they run.</param>
/// <param name="Resumed">True where an earlier run is continued.</param>
public sealed record RunStarted(string Name, IReadOnlyList<string> Jobs, bool Resumed) : RunEvent
{
    /// <summary>Those of <see cref="Jobs"/> that an earlier run has finished.</summary>
    public IReadOnlyList<string> Finished { get; init; } = [];
}

/// <summary>One arm began to train with one seed.</summary>
/// <param name="Arm">Arm name.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Epochs">Epochs over all stages.</param>
/// <param name="StepsPerEpoch">Optimizer steps in an epoch.</param>
public sealed record JobStarted(string Arm, int Seed, int Epochs, int StepsPerEpoch) : RunEvent;

/// <summary>Figures of a step (not every step is logged).</summary>
/// <param name="Arm">Arm name.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Step">Steps done in the job.</param>
/// <param name="TotalSteps">Steps of the job.</param>
/// <param name="Loss">Weighted total.</param>
/// <param name="Parts">Unweighted loss by term.</param>
/// <param name="LearningRate">Learning rate of the step.</param>
public sealed record StepLogged(string Arm, int Seed, long Step, long TotalSteps, double Loss, IReadOnlyDictionary<string, double> Parts, double LearningRate) : RunEvent;

/// <summary>Figures of an epoch.</summary>
/// <param name="Arm">Arm name.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Stage">Stage name; <c>main</c> where there is one.</param>
/// <param name="Epoch">Epochs done over all stages, from 1.</param>
/// <param name="Epochs">Epochs of the job.</param>
/// <param name="Step">Steps done in the job.</param>
/// <param name="Loss">Mean weighted loss of the epoch.</param>
/// <param name="Parts">Mean unweighted loss by term.</param>
/// <param name="Validation">Metrics on the validation split, by metric key; empty where the epoch was not evaluated.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="Seconds">Wall-clock seconds of the epoch.</param>
public sealed record EpochEnded(
    string Arm, int Seed, string Stage, int Epoch, int Epochs, long Step, double Loss,
    IReadOnlyDictionary<string, double> Parts, IReadOnlyDictionary<string, double> Validation, double LearningRate, double Seconds) : RunEvent;

/// <summary>A checkpoint was written.</summary>
/// <param name="Arm">Arm name.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Path">Folder, relative to the run directory.</param>
public sealed record CheckpointSaved(string Arm, int Seed, long Step, string Path) : RunEvent;

/// <summary>One arm finished with one seed.</summary>
/// <param name="Arm">Arm name.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Metrics">Final metrics on the test split by key.</param>
/// <param name="Seconds">Wall-clock seconds of training.</param>
public sealed record JobEnded(string Arm, int Seed, IReadOnlyDictionary<string, double> Metrics, double Seconds) : RunEvent;

/// <summary>Something worth telling.</summary>
/// <param name="Level"><c>info</c> or <c>warning</c>.</param>
/// <param name="Message">One sentence.</param>
public sealed record NoteLogged(string Level, string Message) : RunEvent;

/// <summary>The run came to an end.</summary>
/// <param name="Outcome"><c>finished</c>, <c>interrupted</c> or <c>failed</c>.</param>
/// <param name="Seconds">Wall-clock seconds since it began or was resumed.</param>
public sealed record RunEnded(string Outcome, double Seconds) : RunEvent;

/// <summary>Where events go: a file, the console, TensorBoard.</summary>
public interface IRunEventSink
{
    /// <summary>Takes one event. Called from one thread.</summary>
    void Write(RunEvent runEvent);
}

/// <summary>Takes no notice of events.</summary>
public sealed class SilentSink : IRunEventSink
{
    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        // Whoever uses it reports by other means.
    }
}
