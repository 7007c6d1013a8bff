using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using DistillSharp.Evaluation;
using DistillSharp.RunLog;

namespace DistillSharp.Runs;

/// <summary>One trial of a sweep, written when it ends: <c>trial.json</c> of its job folder.</summary>
public sealed record TrialResult
{
    /// <summary>The arm with the trial's number, as its folder.</summary>
    public required string Name { get; init; }

    /// <summary>Metrics on the validation split; empty where the trial did not train.</summary>
    public Dictionary<string, double> Validation { get; init; } = [];

    /// <summary>Wall-clock seconds of training.</summary>
    public double Seconds { get; init; }

    /// <summary>The metric by which runs of such data choose, unless the recipe names another.</summary>
    public string SelectionMetric { get; init; } = "top1";

    /// <summary>Why there are no metrics; null where there are.</summary>
    public string? Failure { get; init; }
}

/// <summary>A row of a sweep's table.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Trial">Number from 1.</param>
/// <param name="Settings">Recipe keys as the space names them, and their values.</param>
/// <param name="Validation">Metrics on the validation split; empty where the trial did not train.</param>
/// <param name="Seconds">Wall-clock seconds of training, for a chain all of it.</param>
/// <param name="IsChosen">True for the arm's best.</param>
/// <param name="Failure">Why there are no metrics.</param>
public sealed record SweepRow(string Arm, int Trial, Dictionary<string, string> Settings, Dictionary<string, double> Validation, double Seconds, bool IsChosen, string? Failure);

/// <summary>What a sweep found: <c>sweep.json</c> at the top of its directory, and <c>sweep.md</c> for readers.</summary>
/// <param name="Recipe">The recipe's name.</param>
/// <param name="Select">The validation metric that chose.</param>
/// <param name="Seed">Seed of the trials.</param>
/// <param name="Rows">Every trial, arm by arm.</param>
public sealed record SweepResults(string Recipe, string Select, int Seed, IReadOnlyList<SweepRow> Rows)
{
    /// <summary>The metrics that may choose.</summary>
    [JsonIgnore]
    public MetricCatalog Metrics { get; init; } = MetricCatalog.Default();

    /// <summary>The best of an arm's trials by a metric, the first of equals; null where none trained.</summary>
    /// <exception cref="InvalidOperationException">The trials were not measured by that metric.</exception>
    public static int? Best(IReadOnlyList<TrialResult> trials, string metric, MetricCatalog? catalog = null)
    {
        catalog ??= MetricCatalog.Default();
        var direction = catalog.Describe(metric).Direction;
        int? best = null;
        for (var i = 0; i < trials.Count; i++)
        {
            if (trials[i].Failure is not null)
            {
                continue;
            }

            CheckMeasured(trials[i], metric, catalog);
            var value = trials[i].Validation[metric];
            if (double.IsFinite(value) && (best is not { } before || IsBetter(value, trials[before].Validation[metric], direction)))
            {
                best = i;
            }
        }

        return best;
    }

    /// <summary>Refuses a trial that trained and was not measured by the metric that is to choose.</summary>
    /// <exception cref="InvalidOperationException">It was not; lists the metrics that could choose.</exception>
    public static void CheckMeasured(TrialResult trial, string metric, MetricCatalog catalog)
    {
        if (trial.Failure is null && !trial.Validation.ContainsKey(metric))
        {
            var usable = trial.Validation.Keys.Where(key => catalog.Describe(key).Direction != MetricDirection.Neither);
            throw new InvalidOperationException($"sweep.select: trials are not measured by `{metric}`; choose one of {string.Join(", ", usable)}");
        }
    }

    /// <summary>Orders rows from best to worst; those that did not train come last.</summary>
    public int Compare(SweepRow? first, SweepRow? second)
    {
        var sign = Metrics.Describe(Select).Direction == MetricDirection.Lower ? 1 : -1;
        double Key(SweepRow? row) => row is not null && row.Validation.TryGetValue(Select, out var value) && double.IsFinite(value) ? sign * value : double.PositiveInfinity;
        return Key(first).CompareTo(Key(second));
    }

    /// <summary>The table as Markdown.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Trials of {Recipe}\n\nChosen by {Select} on the validation split, seed {Seed}; the test split chose nothing.\n");
        foreach (var arm in Rows.GroupBy(row => row.Arm))
        {
            var keys = arm.SelectMany(row => row.Settings.Keys).Distinct().ToList();
            text.Append(CultureInfo.InvariantCulture, $"\n## {arm.Key}\n\n| trial | {string.Join(" | ", keys)} | validation {Select} | NLL | seconds | |\n|---|{string.Concat(keys.Select(_ => "---|"))}---|---|---|---|\n");
            foreach (var row in arm)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {row.Trial} | {string.Join(" | ", keys.Select(key => row.Settings.GetValueOrDefault(key, "")))} | {Number(row, Select)} | {Number(row, "nll")} | {row.Seconds:0.0} | {(row.IsChosen ? "chosen" : row.Failure is null ? "" : "did not train")} |\n");
            }
        }

        return text.ToString();
    }

    /// <summary>A row's metric for people; a dash where there is none.</summary>
    public string Number(SweepRow row, string metric) =>
        !row.Validation.TryGetValue(metric, out var value) ? "–"
        : Metrics.Describe(metric).Unit == MetricUnit.Share ? value.ToString("P2", CultureInfo.InvariantCulture)
        : value.ToString("G4", CultureInfo.InvariantCulture);

    /// <summary>Writes <c>sweep.json</c>.</summary>
    public void Save(string path) => RunJson.Save(path, this);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static SweepResults Load(string path) => RunJson.Load<SweepResults>(path);

    private static bool IsBetter(double value, double before, MetricDirection direction) => direction == MetricDirection.Lower ? value < before : value > before;
}
