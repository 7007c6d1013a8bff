using System.Text.Json.Serialization;
using DistillSharp.Evaluation;
using DistillSharp.RunLog;

namespace DistillSharp.Runs;

/// <summary>A metric of an arm over its seeds.</summary>
/// <param name="Mean">Mean.</param>
/// <param name="Sd">Sample standard deviation (n − 1); null for one value.</param>
/// <param name="Values">One value a seed, in the order of the arm's seeds; null where a seed lacks it.</param>
public sealed record MetricSummary(double Mean, double? Sd, double?[] Values);

/// <summary>One arm of a run.</summary>
public sealed record ArmResults
{
    /// <summary>Arm name.</summary>
    public required string Name { get; init; }

    /// <summary>True for an objective of hard labels alone, which distils nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsControl { get; init; }

    /// <summary>Seeds that have finished, ascending.</summary>
    public required int[] Seeds { get; init; }

    /// <summary>Test metrics and costs by key.</summary>
    public Dictionary<string, MetricSummary> Metrics { get; init; } = [];

    /// <summary>Validation metrics by key.</summary>
    public Dictionary<string, MetricSummary> Validation { get; init; } = [];

    /// <summary>Mean accuracy by class; NaN for a class without samples.</summary>
    public double[] PerClass { get; init; } = [];

    /// <summary>Tuning trials on validation data that chose the settings.</summary>
    public int TuningTrials { get; init; }

    /// <summary>Epochs trained.</summary>
    public int Epochs { get; init; }
}

/// <summary>How an arm differs from another in one metric, on the seeds they share.</summary>
public sealed record Difference
{
    /// <summary>The arm.</summary>
    public required string Arm { get; init; }

    /// <summary>What it is compared with.</summary>
    public required string Against { get; init; }

    /// <summary>Metric key.</summary>
    public required string Metric { get; init; }

    /// <summary>Seeds in common.</summary>
    public required int[] Seeds { get; init; }

    /// <summary>Mean of arm − against.</summary>
    public required double Value { get; init; }

    /// <summary>Lower end of the 95 % interval; null where there is none: with one seed or the same difference in all, and nothing to draw samples of.</summary>
    public double? Low { get; init; }

    /// <summary>Upper end.</summary>
    public double? High { get; init; }

    /// <summary>Where the interval comes from: <c>paired t over seeds</c>, <c>bootstrap over test samples</c> (with one seed, or the same difference in all) or <c>none</c>.</summary>
    public required string Method { get; init; }

    /// <summary><c>gain</c>, <c>loss</c>, <c>no difference</c> or <c>not tested</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>Interval of the same difference from a paired bootstrap over test samples, for shares of right predictions, rates of errors and functions of summed counts.</summary>
    public double[]? SampleInterval { get; init; }

    /// <summary>McNemar's test by seed, in the order of the seeds.</summary>
    public McNemar[] McNemar { get; init; } = [];

    /// <summary>McNemar's test of the counts of all seeds.</summary>
    public McNemar? McNemarPooled { get; init; }
}

/// <summary>Samples that the plain student had right and an arm has wrong, with the same seed.</summary>
/// <param name="Seed">Seed.</param>
/// <param name="Count">How many.</param>
/// <param name="Share">Of all test samples (the negative flip rate of Yan et al., CVPR 2021).</param>
/// <param name="PositiveCount">How many went the other way.</param>
public sealed record Flips(int Seed, int Count, double Share, int PositiveCount);

/// <summary>Change of a class's accuracy against the plain student.</summary>
/// <param name="Class">Class name.</param>
/// <param name="Value">Mean of arm − plain over the seeds in common.</param>
/// <param name="Low">Lower end of the paired 95 % interval; null with one seed, or the same change in all.</param>
/// <param name="High">Upper end.</param>
public sealed record ClassChange(string Class, double Value, double? Low, double? High);

/// <summary>A run's comparison of its arms: <c>results.json</c>, and what benchmarks keep.</summary>
public sealed record RunResults
{
    /// <summary>Recipe or benchmark name.</summary>
    public required string Name { get; init; }

    /// <summary>Repeats the run from a clean clone.</summary>
    public string Command { get; init; } = "";

    /// <summary>Commit of the code; null where it is not known.</summary>
    public string? Commit { get; init; }

    /// <summary>Machine in a few words.</summary>
    public string Machine { get; init; } = "";

    /// <summary>When the run began (UTC), whoever finished it.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>Wall-clock seconds in which a process worked on the run or on one of its jobs, without the pauses between.</summary>
    public double Seconds { get; init; }

    /// <summary>Key of the metric that verdicts are about.</summary>
    public string PrimaryMetric { get; init; } = "top1";

    /// <summary>Arms: teacher, baselines, then objectives as they came.</summary>
    public required IReadOnlyList<ArmResults> Arms { get; init; }

    /// <summary>Gap recovery of the primary metric by arm (distilled ones and the other baselines, for comparison); empty without teacher and plain arms.</summary>
    public Dictionary<string, GapRecovery> GapRecovery { get; init; } = [];

    /// <summary>Differences against the plain student, label smoothing and the compute-matched plain student.</summary>
    public IReadOnlyList<Difference> Differences { get; init; } = [];

    /// <summary>Negative flips by arm.</summary>
    public Dictionary<string, IReadOnlyList<Flips>> NegativeFlips { get; init; } = [];

    /// <summary>Accuracy change by arm and class.</summary>
    public Dictionary<string, IReadOnlyList<ClassChange>> PerClassChange { get; init; } = [];

    /// <summary>Jobs of the plan that have no result, as <c>arm/seed-n</c>.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>What was compared on: data hashes, split, sizes. Runs are comparable where these agree.</summary>
    public Dictionary<string, string> Data { get; init; } = [];

    /// <summary>Class names by index.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Things a reader must know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Test labels in the order of the jobs' predictions; not kept in benchmark files.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int[]? Labels { get; init; }

    /// <summary>The arm of that name, or null.</summary>
    public ArmResults? Arm(string name) => Arms.FirstOrDefault(arm => arm.Name == name);

    /// <summary>True for an arm that distils: an objective that is no control.</summary>
    public bool IsDistilled(string arm) => ArmNames.IsDistilled(arm) && Arm(arm) is not { IsControl: true };

    /// <summary>The difference of two arms in a metric (the primary one unless named), or null.</summary>
    public Difference? Difference(string arm, string against, string? metric = null)
        => Differences.FirstOrDefault(difference => difference.Arm == arm && difference.Against == against && difference.Metric == (metric ?? PrimaryMetric));

    /// <summary>Writes the file atomically.</summary>
    public void Save(string path) => RunJson.Save(path, this);

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static RunResults Load(string path) => RunJson.Load<RunResults>(path);
}
