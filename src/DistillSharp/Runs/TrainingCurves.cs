using DistillSharp.RunLog;

namespace DistillSharp.Runs;

/// <summary>One figure of one job over its epochs.</summary>
/// <param name="Arm">Arm name.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Key"><c>loss/total</c>, <c>loss/&lt;term&gt;</c> or <c>validation/&lt;metric&gt;</c>.</param>
/// <param name="Points">Epoch (from 1) and value, by epoch.</param>
public sealed record Curve(string Arm, int Seed, string Key, IReadOnlyList<(double Epoch, double Value)> Points);

/// <summary>Curves from a run's events.</summary>
public static class TrainingCurves
{
    /// <summary>
    /// Every curve, arms and seeds in the order they began. Epochs that a resumed run did again count once, as they were done last;
    /// values that are not finite are left out.
    /// </summary>
    public static IReadOnlyList<Curve> From(IEnumerable<RunEvent> events)
    {
        var jobs = new OrderedDictionary<(string Arm, int Seed), SortedDictionary<int, EpochEnded>>();
        foreach (var epoch in events.OfType<EpochEnded>())
        {
            if (!jobs.TryGetValue((epoch.Arm, epoch.Seed), out var epochs))
            {
                jobs[(epoch.Arm, epoch.Seed)] = epochs = [];
            }

            epochs[epoch.Epoch] = epoch;
        }

        return [.. jobs.SelectMany(job => CurvesOf(job.Key.Arm, job.Key.Seed, [.. job.Value.Values]))];
    }

    private static IEnumerable<Curve> CurvesOf(string arm, int seed, EpochEnded[] epochs)
    {
        var values = epochs.SelectMany(epoch => epoch.Parts.Select(part => ($"loss/{part.Key}", part.Value)).Prepend(("loss/total", epoch.Loss))
            .Concat(epoch.Validation.Select(metric => ($"validation/{metric.Key}", metric.Value)))
            .Select(value => (Key: value.Item1, Epoch: (double)epoch.Epoch, Value: value.Item2)));
        return values.Where(value => double.IsFinite(value.Value)).GroupBy(value => value.Key)
            .Select(group => new Curve(arm, seed, group.Key, [.. group.Select(value => (value.Epoch, value.Value))]));
    }
}
