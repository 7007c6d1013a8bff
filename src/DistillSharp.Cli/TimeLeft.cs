using System.Globalization;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Cli;

/// <summary>
/// How long a run will still take, by its events. A job under way goes on at its pace; a job to come takes as long as those of its arm took,
/// else as students took. Before there is a student to judge by, only the job's own time is told.
/// </summary>
internal sealed class TimeLeft
{
    private readonly Dictionary<string, Pace> _underWay = [];
    private readonly Dictionary<string, List<double>> _took = [];
    private readonly HashSet<string> _toCome = [];

    /// <summary>Takes an event in.</summary>
    public void Hear(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case RunStarted started:
                _toCome.UnionWith(started.Jobs.Except(started.Finished));
                break;
            case JobStarted started:
                _toCome.Remove(JobResult.JobName(started.Arm, started.Seed));
                _underWay[JobResult.JobName(started.Arm, started.Seed)] = new Pace(started.Arm, started.Time);
                break;
            case EpochEnded epoch when _underWay.TryGetValue(JobResult.JobName(epoch.Arm, epoch.Seed), out var pace):
                pace.Hear(epoch);
                break;
            case JobEnded ended:
                _toCome.Remove(JobResult.JobName(ended.Arm, ended.Seed));
                _underWay.Remove(JobResult.JobName(ended.Arm, ended.Seed));
                (_took.TryGetValue(ended.Arm, out var times) ? times : _took[ended.Arm] = []).Add(ended.Seconds);
                break;
        }
    }

    /// <summary>"about 1:02:03 left", "about 0:10:00 left of this job, then 25 more", or nothing where nothing is known.</summary>
    public string Text(string arm, int seed)
    {
        if (!_underWay.TryGetValue(JobResult.JobName(arm, seed), out var own) || own.Left is not { } left)
        {
            return "";
        }

        double[] toCome = [.. _toCome.Select(job => Expected(job[..job.LastIndexOf('/')]))];
        if (toCome.Any(double.IsNaN))
        {
            return $"about {Written(left)} left of this job, then {_toCome.Count} more";
        }

        // Side by side the work is shared; the longest of what runs now sets the least.
        var all = _underWay.Values.Sum(pace => pace.Left ?? left) + toCome.Sum();
        return $"about {Written(Math.Max(all / _underWay.Count, _underWay.Values.Max(pace => pace.Left ?? 0)))} left";
    }

    private double Expected(string arm)
    {
        if (_took.TryGetValue(arm, out var times))
        {
            return times.Average();
        }

        if (_underWay.Values.FirstOrDefault(pace => pace.Arm == arm)?.Whole is { } whole)
        {
            return whole;
        }

        double[] students =
        [
            .. _took.Where(entry => !ArmNames.IsTeacher(entry.Key)).SelectMany(entry => entry.Value),
            .. _underWay.Values.Where(pace => !ArmNames.IsTeacher(pace.Arm)).Select(pace => pace.Whole).OfType<double>(),
        ];
        return students.Length > 0 && !ArmNames.IsTeacher(arm) ? students.Average() : double.NaN;
    }

    /// <summary>"50:00:00": hours, minutes and seconds, without days.</summary>
    internal static string Written(double seconds)
    {
        var time = TimeSpan.FromSeconds(seconds);
        return string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time:mm\\:ss}");
    }

    /// <summary>A job under way: since when, and how many of its epochs.</summary>
    private sealed class Pace(string arm, DateTimeOffset since)
    {
        private int? _before;
        private EpochEnded? _last;

        public string Arm => arm;

        /// <summary>Seconds to its end.</summary>
        public double? Left => _last is { } last ? PerEpoch(last) * (last.Epochs - last.Epoch) : null;

        /// <summary>Seconds of the whole job.</summary>
        public double? Whole => _last is { } last ? PerEpoch(last) * last.Epochs : null;

        // One that goes on from a checkpoint has epochs that were not trained now.
        public void Hear(EpochEnded epoch)
        {
            _before ??= epoch.Epoch - 1;
            _last = epoch;
        }

        private double PerEpoch(EpochEnded last) => (last.Time - since).TotalSeconds / (last.Epoch - _before!.Value);
    }
}
