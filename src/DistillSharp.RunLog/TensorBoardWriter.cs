using System.Globalization;

namespace DistillSharp.RunLog;

/// <summary>
/// Writes events for TensorBoard: a folder for each job (<c>arm/seed-n</c>) with one event file per process that worked on it.
/// Tags: <c>loss/total</c>, <c>loss/&lt;term&gt;</c>, <c>learning_rate</c>, <c>epoch_loss/…</c>, <c>validation/&lt;metric&gt;</c>, <c>test/&lt;metric&gt;</c>.
/// </summary>
/// <param name="folder">The log folder given to <c>tensorboard --logdir</c>.</param>
/// <param name="time">Clock for events that carry no time and for file names.</param>
public sealed class TensorBoardWriter(string folder, TimeProvider? time = null) : IRunEventSink, IDisposable
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<string, FileStream> _files = [];
    private readonly Dictionary<string, long> _steps = [];

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case StepLogged step:
                Append(step, step.Arm, step.Seed, step.Step, [.. Losses("loss", step.Loss, step.Parts), ("learning_rate", step.LearningRate)]);
                break;
            case EpochEnded epoch:
                Append(epoch, epoch.Arm, epoch.Seed, epoch.Step, [.. Losses("epoch_loss", epoch.Loss, epoch.Parts), .. Tagged("validation", epoch.Validation), ("learning_rate", epoch.LearningRate)]);
                break;
            case JobEnded job:
                Append(job, job.Arm, job.Seed, _steps.GetValueOrDefault(Job(job.Arm, job.Seed)), [.. Tagged("test", job.Metrics)]);
                break;
        }
    }

    /// <summary>Closes every file.</summary>
    public void Dispose()
    {
        foreach (var file in _files.Values)
        {
            file.Dispose();
        }

        _files.Clear();
    }

    private static string Job(string arm, int seed) => string.Create(CultureInfo.InvariantCulture, $"{arm}/seed-{seed}");

    private static IEnumerable<(string Tag, double Value)> Losses(string prefix, double total, IReadOnlyDictionary<string, double> parts)
        => Tagged(prefix, parts).Prepend(($"{prefix}/total", total));

    private static IEnumerable<(string Tag, double Value)> Tagged(string prefix, IReadOnlyDictionary<string, double> values)
        => values.Select(value => ($"{prefix}/{value.Key}", value.Value));

    private void Append(RunEvent runEvent, string arm, int seed, long step, (string Tag, double Value)[] scalars)
    {
        var at = runEvent.Time == default ? _time.GetUtcNow() : runEvent.Time;
        var job = Job(arm, seed);
        _steps[job] = step;
        if (!_files.TryGetValue(job, out var file))
        {
            _files[job] = file = Open(Path.Combine(folder, job));
            TensorBoardRecord.Write(file, TensorBoardRecord.FileVersion(Seconds(at)));
        }

        TensorBoardRecord.Write(file, TensorBoardRecord.Scalars(Seconds(at), step, scalars));
        file.Flush();
    }

    private FileStream Open(string jobFolder)
    {
        Directory.CreateDirectory(jobFolder);
        for (var number = 0; ; number++)
        {
            // TensorBoard reads the files of a folder in the order of their names and asks for "tfevents" in them.
            var name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{_time.GetUtcNow().ToUnixTimeSeconds():D10}.{number}");
            if (!File.Exists(Path.Combine(jobFolder, name)))
            {
                return new FileStream(Path.Combine(jobFolder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            }
        }
    }

    private static double Seconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).TotalSeconds;
}
