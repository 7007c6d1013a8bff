using DistillSharp.Evaluation;

namespace DistillSharp.Runs;

/// <summary>What a run knows beside its jobs' results.</summary>
public sealed record ComparisonOptions
{
    /// <summary>Repeats the run from a clean clone.</summary>
    public string Command { get; init; } = "";

    /// <summary>Commit of the code.</summary>
    public string? Commit { get; init; }

    /// <summary>Machine in a few words.</summary>
    public string Machine { get; init; } = "";

    /// <summary>When the run began (UTC).</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>Wall-clock seconds so far.</summary>
    public double Seconds { get; init; }

    /// <summary>Key of the metric that verdicts are about.</summary>
    public string PrimaryMetric { get; init; } = "top1";

    /// <summary>Every job of the plan as <c>arm/seed-n</c>, so that missing ones are named; empty where that is not known.</summary>
    public IReadOnlyList<string> PlannedJobs { get; init; } = [];

    /// <summary>Data hashes, split, sizes.</summary>
    public Dictionary<string, string> Data { get; init; } = [];

    /// <summary>Things a reader must know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Metrics with their directions; the default catalog unless a domain adds its own.</summary>
    public MetricCatalog Metrics { get; init; } = MetricCatalog.Default();
}

/// <summary>Makes a run's comparison from the jobs that have finished.</summary>
public static class Comparison
{
    private static readonly string[] s_alsoCompared = ["nll", "ece", "bleu_beam"];

    /// <summary>
    /// Compares the arms, paired on the seeds they share. A teacher with one result serves all seeds. What is missing is left out
    /// and named in <see cref="RunResults.Missing"/>.
    /// </summary>
    /// <param name="jobs">Finished jobs in any order.</param>
    /// <param name="labels">Test labels in the order of the jobs' predictions; empty where there are no classes.</param>
    /// <param name="classNames">Class names by index; numbers stand in for missing ones.</param>
    /// <param name="name">Recipe name.</param>
    /// <param name="options">What else the run knows.</param>
    /// <exception cref="ArgumentException">A job occurs twice, or its predictions do not fit the labels.</exception>
    public static RunResults Build(IReadOnlyList<JobResult> jobs, IReadOnlyList<int> labels, IReadOnlyList<string> classNames, string name, ComparisonOptions? options = null)
    {
        options ??= new ComparisonOptions();
        Check(jobs, labels);
        var arms = GroupByArm(jobs, options.PlannedJobs);
        var pairs = new ArmPairs(arms, labels, options.PrimaryMetric, options.Metrics);
        var compared = arms.Where(arm => !IsTeacher(arm.Value.Values.First())).Select(arm => arm.Key).ToArray();
        // What is known sample by sample is compared as well, such as the error rate of a second test set.
        var metrics = s_alsoCompared.Prepend(options.PrimaryMetric).Concat(jobs.SelectMany(job => job.Counts.Keys)).Distinct();
        var done = jobs.Select(job => JobResult.JobName(job.Arm, job.Seed)).ToHashSet();
        var flips = compared.Where(arm => arm != ArmNames.Plain).Select(arm => (Arm: arm, Flips: pairs.Flips(arm))).Where(entry => entry.Flips.Count > 0).ToDictionary(entry => entry.Arm, entry => entry.Flips);
        return new RunResults
        {
            Name = name,
            Command = options.Command,
            Commit = options.Commit,
            Machine = options.Machine,
            Started = options.Started,
            Seconds = options.Seconds,
            PrimaryMetric = options.PrimaryMetric,
            Arms = [.. arms.Select(arm => Summarise(arm.Key, arm.Value, flips.GetValueOrDefault(arm.Key)))],
            GapRecovery = GapRecoveries(pairs, compared),
            Differences = [.. Differences(pairs, compared, metrics)],
            NegativeFlips = flips,
            PerClassChange = compared.Where(arm => arm != ArmNames.Plain).Select(arm => (Arm: arm, Changes: pairs.ClassChanges(arm, classNames))).Where(entry => entry.Changes.Count > 0).ToDictionary(entry => entry.Arm, entry => entry.Changes),
            Missing = [.. options.PlannedJobs.Where(job => !done.Contains(job))],
            Data = options.Data,
            ClassNames = classNames,
            Notes = [.. options.Notes, .. ComparisonNotes.Of(arms, compared)],
            Labels = labels.Count == 0 ? null : [.. labels],
        };
    }

    private static void Check(IReadOnlyList<JobResult> jobs, IReadOnlyList<int> labels)
    {
        if (jobs.GroupBy(job => (job.Arm, job.Seed)).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"{JobResult.JobName(twice.Key.Arm, twice.Key.Seed)} occurs {twice.Count()} times among the results");
        }

        if (jobs.FirstOrDefault(job => job.Predictions.Length > 0 && job.Predictions.Length != labels.Count) is { } wrong)
        {
            throw new ArgumentException($"{JobResult.JobName(wrong.Arm, wrong.Seed)} has {wrong.Predictions.Length} predictions for {labels.Count} test labels");
        }
    }

    /// <summary>Jobs by arm and seed: teachers and baselines first, objectives as the plan (else the results) names them.</summary>
    private static OrderedDictionary<string, SortedDictionary<int, JobResult>> GroupByArm(IReadOnlyList<JobResult> jobs, IReadOnlyList<string> planned)
    {
        var plannedArms = planned.Select(job => job[..Math.Max(0, job.LastIndexOf('/'))]).ToArray();
        var teachers = jobs.Where(IsTeacher).Select(job => job.Arm).OrderBy(arm => Array.IndexOf(plannedArms, arm));
        var order = teachers.Concat(ArmNames.Known).Concat(plannedArms).Concat(jobs.Select(job => job.Arm)).Distinct();
        var arms = new OrderedDictionary<string, SortedDictionary<int, JobResult>>();
        foreach (var arm in order)
        {
            var bySeed = jobs.Where(job => job.Arm == arm).ToDictionary(job => job.Seed);
            if (bySeed.Count > 0)
            {
                arms[arm] = new SortedDictionary<int, JobResult>(bySeed);
            }
        }

        return arms;
    }

    private static bool IsTeacher(JobResult job) => job.IsTeacher || job.Arm == ArmNames.Teacher;

    private static ArmResults Summarise(string name, SortedDictionary<int, JobResult> bySeed, IReadOnlyList<Flips>? flips)
    {
        var jobs = bySeed.Values.ToArray();
        var metrics = SummariseMetrics(jobs, job => job.Metrics);
        if (flips is not null && !metrics.ContainsKey("negative_flips"))
        {
            var shares = flips.ToDictionary(flip => flip.Seed, flip => flip.Share);
            metrics["negative_flips"] = Summarise([.. bySeed.Keys.Select(seed => shares.TryGetValue(seed, out var share) ? share : (double?)null)]);
        }

        var withClasses = jobs.Where(job => job.PerClass.Length > 0).ToArray();
        var classes = withClasses.Length == 0 ? 0 : withClasses.Min(job => job.PerClass.Length);
        return new ArmResults
        {
            Name = name,
            IsControl = jobs.Any(job => job.IsControl),
            Seeds = [.. bySeed.Keys],
            Metrics = metrics,
            Validation = SummariseMetrics(jobs, job => job.Validation),
            PerClass = [.. Enumerable.Range(0, classes).Select(index => withClasses.Average(job => job.PerClass[index]))],
            TuningTrials = jobs.Max(job => job.Tuning.Count),
            Epochs = jobs.Max(job => job.Epochs),
        };
    }

    private static Dictionary<string, MetricSummary> SummariseMetrics(JobResult[] jobs, Func<JobResult, Dictionary<string, double>> metrics)
    {
        var summaries = new Dictionary<string, MetricSummary>();
        foreach (var key in jobs.SelectMany(job => metrics(job).Keys).Distinct())
        {
            var values = jobs.Select(job => metrics(job).TryGetValue(key, out var value) && double.IsFinite(value) ? value : (double?)null).ToArray();
            if (values.Any(value => value is not null))
            {
                summaries[key] = Summarise(values);
            }
        }

        return summaries;
    }

    private static MetricSummary Summarise(double?[] values)
    {
        var present = values.OfType<double>().ToArray();
        return new MetricSummary(Statistics.Mean(present), Statistics.StandardDeviation(present), values);
    }

    private static Dictionary<string, GapRecovery> GapRecoveries(ArmPairs pairs, string[] compared)
    {
        var recoveries = new Dictionary<string, GapRecovery>();
        foreach (var arm in compared.Where(arm => arm != ArmNames.Plain))
        {
            if (pairs.GapRecovery(arm) is { } recovery)
            {
                recoveries[arm] = recovery;
            }
        }

        return recoveries;
    }

    private static IEnumerable<Difference> Differences(ArmPairs pairs, string[] compared, IEnumerable<string> metrics)
    {
        foreach (var metric in metrics)
        {
            foreach (var arm in compared)
            {
                string[] references = ArmNames.IsDistilled(arm) ? [ArmNames.Plain, ArmNames.LabelSmoothing, ArmNames.PlainMatched] : [ArmNames.Plain];
                foreach (var reference in references.Where(reference => reference != arm))
                {
                    if (pairs.Difference(arm, reference, metric) is { } difference)
                    {
                        yield return difference;
                    }
                }
            }
        }
    }
}
