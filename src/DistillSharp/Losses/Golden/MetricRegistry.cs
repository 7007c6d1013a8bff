using DistillSharp.Config;

namespace DistillSharp.Losses.Golden;

/// <summary>Computes a metric of a set of a metrics file with the options of one case.</summary>
public delegate GoldenScore GoldenMetric(GoldenTestSet set, GoldenOptions options);

/// <summary>Outputs and references of a metrics file.</summary>
/// <param name="Hypotheses">One output a sentence; may be empty.</param>
/// <param name="References">One or more references a sentence.</param>
public sealed record GoldenTestSet(IReadOnlyList<string> Hypotheses, IReadOnlyList<IReadOnlyList<string>> References);

/// <summary>What a metric computed. The prover compares it with what the file states.</summary>
/// <param name="Score">The score.</param>
/// <param name="Numbers">Other figures by their names in files, such as <c>precisions</c>; a single number is a list of one.</param>
/// <param name="Texts">Texts by name, such as <c>signature</c>.</param>
public sealed record GoldenScore(double Score, IReadOnlyDictionary<string, IReadOnlyList<double>> Numbers, IReadOnlyDictionary<string, string> Texts);

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
