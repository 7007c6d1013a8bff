using DistillSharp.Data;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>
/// Batches of a loader that time their consumer. Between two requests for a batch lies one whole step, so the time from the
/// request after the warm-up steps to the request that finds the epoch at its end is what the steps took: set-up before
/// the first batch and evaluation after the last one are left out, for the trainer and for the bare loop alike.
/// </summary>
internal sealed class TimedSource(Loader loader, int warmUp) : IBatchSource
{
    /// <summary>Seconds a step of the last epoch that was read to its end.</summary>
    public double SecondsPerStep { get; private set; }

    /// <summary>Told the number of steps done, at each request for a batch.</summary>
    public Action<int>? Requested { get; init; }

    public DatasetInfo Info => loader.Info;

    public int SampleCount => loader.SampleCount;

    public int BatchCount => loader.BatchCount;

    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        using var batches = loader.Epoch(epoch, firstBatch, cancellation).GetEnumerator();
        var started = 0.0;
        for (var done = 0; ; done++)
        {
            if (done == warmUp)
            {
                started = SpeedClock.Now;
            }

            Requested?.Invoke(done);
            if (!batches.MoveNext())
            {
                SecondsPerStep = done > warmUp
                    ? (SpeedClock.Now - started) / (done - warmUp)
                    : throw new InvalidOperationException($"{done} steps are no more than the warm-up of {warmUp}; there is nothing to time");
                yield break;
            }

            yield return batches.Current;
        }
    }
}
