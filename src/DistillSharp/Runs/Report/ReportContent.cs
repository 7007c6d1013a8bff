using DistillSharp.Evaluation;
using DistillSharp.RunLog;

namespace DistillSharp.Runs.Report;

/// <summary>What goes into <c>report.html</c>.</summary>
public sealed record ReportContent
{
    /// <summary>The comparison.</summary>
    public required RunResults Results { get; init; }

    /// <summary>The run's events, for curves; may be empty.</summary>
    public IReadOnlyList<RunEvent> Events { get; init; } = [];

    /// <summary>The recipe as text; may be empty.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Where the run took place; null leaves the section out.</summary>
    public EnvironmentInfo? Environment { get; init; }

    /// <summary>Metrics; the default catalog unless a domain adds its own.</summary>
    public MetricCatalog Metrics { get; init; } = MetricCatalog.Default();
}
