using System.Globalization;
using DistillSharp.RunLog;

namespace DistillSharp.Runs;

/// <summary>A time in which a process worked on a run.</summary>
/// <param name="Started">When it began (UTC).</param>
/// <param name="Ended">When it ended, or was last known to be at work.</param>
internal sealed record WorkSpan(DateTimeOffset Started, DateTimeOffset Ended);

/// <summary>
/// Notes when this process works on a run, in a file of its own so that jobs side by side do not meet, and again every few seconds, so that a process that
/// is killed has worked until shortly before.
/// </summary>
internal sealed class WorkingTime : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly string _file;
    private readonly TimeProvider _clock;
    private readonly WorkSpan[] _earlier;
    private readonly DateTimeOffset _started;
    private readonly ITimer _timer;
    private bool _over;

    private WorkingTime(RunDirectory directory, string name, TimeProvider clock, Func<WorkSpan[]> unnoted)
    {
        _folder = directory.SessionsFolder;
        _file = Path.Combine(_folder, name);
        _clock = clock;
        _earlier = File.Exists(_file) ? Load(_file) : unnoted();
        _started = clock.GetUtcNow();
        Directory.CreateDirectory(_folder);
        Note();
        _timer = clock.CreateTimer(_ => Note(), null, Pause, Pause);
    }

    /// <summary>Begins a session of the whole run.</summary>
    public static WorkingTime OfRun(RunDirectory directory, TimeProvider clock) => new(directory, "run.json", clock, () => OfResults(directory));

    /// <summary>Begins a session of one job, or of an arm's tuning where no seed is given.</summary>
    public static WorkingTime OfJob(RunDirectory directory, string arm, int? seed, TimeProvider clock) =>
        new(directory, Path.Combine(arm, seed is { } number ? string.Create(CultureInfo.InvariantCulture, $"seed-{number}.json") : "tuning.json"), clock, () => []);

    /// <summary>When the first session of the run or of its jobs began, and the seconds until now in which at least one process worked.</summary>
    public (DateTimeOffset Started, double Seconds) Total()
    {
        var others = Directory.EnumerateFiles(_folder, "*.json", SearchOption.AllDirectories).Where(file => file != _file).SelectMany(Load);
        List<WorkSpan> spans = [.. others.Concat(Own()).OrderBy(span => span.Started)];
        var (seconds, until) = (0.0, spans[0].Started);
        foreach (var span in spans)
        {
            var from = span.Started > until ? span.Started : until;
            if (span.Ended > from)
            {
                seconds += (span.Ended - from).TotalSeconds;
                until = span.Ended;
            }
        }

        return (spans[0].Started, seconds);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        Note();
        lock (_gate)
        {
            _over = true;
        }
    }

    // A run whose sessions were not noted has the time until then in its results.
    private static WorkSpan[] OfResults(RunDirectory directory) =>
        File.Exists(directory.ResultsFile) && RunResults.Load(directory.ResultsFile) is { Started: { } started } results ? [new WorkSpan(started, started.AddSeconds(results.Seconds))] : [];

    // No run fails for the sake of its times, and what cannot be read is left out.
    private static WorkSpan[] Load(string file)
    {
        try
        {
            return RunJson.Load<WorkSpan[]>(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return [];
        }
    }

    private WorkSpan[] Own() => [.. _earlier, new WorkSpan(_started, _clock.GetUtcNow())];

    private void Note()
    {
        lock (_gate)
        {
            if (_over)
            {
                return;
            }

            try
            {
                RunJson.Save(_file, Own());
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // As what is read: no run fails for the sake of its times.
            }
        }
    }
}
