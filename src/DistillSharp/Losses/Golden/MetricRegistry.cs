using System.Text.Json;
using DistillSharp.Config;

namespace DistillSharp.Losses.Golden;

/// <summary>Checks one case of a metrics file and returns what differs, or null where it agrees.</summary>
public delegate string? GoldenMetric(JsonElement file, JsonElement test);

/// <summary>
/// Which metrics of <c>metrics/*.json</c> files are known. The domains that own the metrics add them, so the list begins empty.
/// </summary>
public sealed class MetricRegistry
{
    private readonly SortedDictionary<string, GoldenMetric> _metrics = new(StringComparer.Ordinal);

    /// <summary>Adds a metric.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public MetricRegistry Add(string metric, GoldenMetric check) => _metrics.TryAdd(metric, check)
        ? this
        : throw new ArgumentException($"a metric named `{metric}` exists already");

    /// <summary>The check of that metric.</summary>
    /// <exception cref="GoldenFormatException">There is none; the message lists the known names.</exception>
    public GoldenMetric Get(string metric) => _metrics.TryGetValue(metric, out var check)
        ? check
        : throw new GoldenFormatException($"unknown metric `{metric}`; {NearestName.Hint(metric, _metrics.Keys)}");
}
