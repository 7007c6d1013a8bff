using DistillSharp.Export.Onnx;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>
/// Students of a run that failed by themselves: one that diverges must not cost the others their hours. A teacher that fails ends the run.
/// </summary>
/// <param name="warn">Says so at once.</param>
internal sealed class FailedJobs(Action<string> warn)
{
    private readonly List<(string Arm, int? Seed, string Message)> _failures = [];

    /// <summary>True for what another job of the same run need not share, as a full disk would be.</summary>
    public static bool IsOfOneJob(Exception error) => error is TrainingDivergedException or ParityException or InvalidOperationException or ArgumentException or NotSupportedException;

    /// <summary>Remembers a job, or an arm whose tuning failed.</summary>
    public void Add(string arm, int? seed, string message)
    {
        lock (_failures)
        {
            _failures.Add((arm, seed, message));
        }

        warn($"{Name(arm, seed)} failed, and the run goes on without it: {message}");
    }

    /// <summary>True where the tuning of an arm failed, so that its jobs have no settings.</summary>
    public bool IsUntuned(string arm)
    {
        lock (_failures)
        {
            return _failures.Any(failure => failure.Arm == arm && failure.Seed is null);
        }
    }

    /// <summary>Remembers a job that is not begun since the tuning of its arm failed, which has been said.</summary>
    public void AddUntuned(string arm, int seed)
    {
        lock (_failures)
        {
            _failures.Add((arm, seed, "its tuning failed"));
        }
    }

    /// <summary>Ends a run whose other jobs are done.</summary>
    /// <exception cref="JobsFailedException">Jobs failed.</exception>
    public void ThrowIfAny(RunResults? results)
    {
        if (_failures.Count > 0)
        {
            throw new JobsFailedException([.. _failures.Select(failure => $"{Name(failure.Arm, failure.Seed)}: {failure.Message}")], results);
        }
    }

    private static string Name(string arm, int? seed) => seed is { } number ? JobResult.JobName(arm, number) : $"{arm} (tuning)";
}

/// <summary>Jobs of a run failed; the others are done and compared.</summary>
/// <param name="failures">Which, and why, a line each.</param>
/// <param name="results">What there is, if anything.</param>
public sealed class JobsFailedException(IReadOnlyList<string> failures, RunResults? results)
    : Exception($"{failures.Count} {(failures.Count == 1 ? "job" : "jobs")} failed (`distill resume` tries again):\n  {string.Join("\n  ", failures)}")
{
    /// <summary>Failed jobs, each with its reason.</summary>
    public IReadOnlyList<string> Failures { get; } = failures;

    /// <summary>The comparison of the others; null where there is none.</summary>
    public RunResults? Results { get; } = results;
}
