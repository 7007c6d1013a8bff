using DistillSharp.Evaluation;

namespace DistillSharp.Runs;

/// <summary>An arm of one run against the arm of the same name in the first run.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Arm">Arm name.</param>
/// <param name="Metric">Metric key.</param>
/// <param name="Summary">The arm's figures in that run; null where the run lacks them.</param>
/// <param name="Seeds">Seeds that this run and the first have in common; empty for the first run itself.</param>
/// <param name="Interval">Mean difference to the first run with its paired 95 % interval; null for fewer than two common seeds, the same difference with all of them, or other data.</param>
/// <param name="Verdict"><c>gain</c>, <c>loss</c>, <c>no difference</c> or <c>not tested</c>.</param>
public sealed record RunComparisonEntry(string Run, string Arm, string Metric, MetricSummary? Summary, int[] Seeds, Interval? Interval, string Verdict);

/// <summary>Several runs side by side: arms of the same name, paired by seed with the first run.</summary>
public sealed class RunComparison
{
    private readonly MetricCatalog _catalog;

    private RunComparison(IReadOnlyList<(string Name, RunResults Results)> given, MetricCatalog catalog, IReadOnlyDictionary<string, string> counterparts)
    {
        Check(given[0].Results, [.. given.Skip(1).Select(run => run.Results)], counterparts);
        (string Name, RunResults Results)[] runs = [given[0], .. given.Skip(1).Select(run => (run.Name, Renamed(run.Results, counterparts)))];
        _catalog = catalog;
        Runs = [.. runs.Select(run => run.Name)];
        PrimaryMetric = runs[0].Results.PrimaryMetric;
        Warnings =
        [
            .. given.Skip(1).SelectMany(run => counterparts.Where(pair => run.Results.Arm(pair.Key) is not null).Select(pair => $"{pair.Value} of {run.Name} is its arm {pair.Key}.")),
            .. runs.Skip(1).SelectMany(run => Warn(runs[0], run)),
        ];
        Arms = [.. runs.SelectMany(run => run.Results.Arms).Select(arm => arm.Name).Distinct()];
        Entries = [.. Arms.SelectMany(arm => runs.Select(run => Compare(runs[0], run, arm)))];
    }

    /// <summary>Names of the runs in the order given; the first is the reference.</summary>
    public IReadOnlyList<string> Runs { get; }

    /// <summary>Names of all arms.</summary>
    public IReadOnlyList<string> Arms { get; }

    /// <summary>The metric that is compared: the first run's primary one.</summary>
    public string PrimaryMetric { get; }

    /// <summary>What a reader must know: arms of another name, and why figures may not be comparable: other data or split, other seeds, arms that only one run has.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>One entry for each arm and run.</summary>
    public IReadOnlyList<RunComparisonEntry> Entries { get; }

    /// <summary>Compares runs by their <c>results.json</c>.</summary>
    /// <param name="directories">Run directories, the reference first.</param>
    /// <param name="catalog">Metrics; the default catalog where null.</param>
    /// <param name="counterparts">Arms of the later runs that have another name in the first, with that name.</param>
    /// <exception cref="ArgumentException">No directory was given, or a counterpart is no arm of the runs or stands beside an arm of the name it takes.</exception>
    /// <exception cref="FileNotFoundException">A directory has no results.json.</exception>
    /// <exception cref="InvalidDataException">A results.json cannot be read.</exception>
    public static RunComparison Load(IReadOnlyList<string> directories, MetricCatalog? catalog = null, IReadOnlyDictionary<string, string>? counterparts = null)
    {
        var runs = directories.Select(directory =>
        {
            var path = Path.Combine(directory, "results.json");
            return File.Exists(path)
                ? (Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory))), RunResults.Load(path))
                : throw new FileNotFoundException($"{directory} is not a run directory with results: it has no results.json");
        }).ToArray();
        return Of(runs, catalog, counterparts);
    }

    /// <summary>Compares results; runs of one name are told apart by a number.</summary>
    /// <exception cref="ArgumentException">There are no runs, or a counterpart is no arm of theirs or stands beside an arm of the name it takes.</exception>
    public static RunComparison Of(IReadOnlyList<(string Name, RunResults Results)> runs, MetricCatalog? catalog = null, IReadOnlyDictionary<string, string>? counterparts = null)
    {
        if (runs.Count == 0)
        {
            throw new ArgumentException("there is no run to compare");
        }

        var named = runs.Select((run, i) => (runs.Count(other => other.Name == run.Name) == 1 ? run.Name : $"{run.Name} ({runs.Take(i + 1).Count(other => other.Name == run.Name)})", run.Results)).ToArray();
        return new RunComparison(named, catalog ?? MetricCatalog.Default(), counterparts ?? new Dictionary<string, string>());
    }

    private static void Check(RunResults first, IReadOnlyList<RunResults> others, IReadOnlyDictionary<string, string> counterparts)
    {
        foreach (var (arm, counterpart) in counterparts)
        {
            if (first.Arm(counterpart) is null)
            {
                throw new ArgumentException($"the first run has no arm {counterpart} to be the counterpart of {arm}; its arms are {string.Join(", ", first.Arms.Select(each => each.Name))}");
            }

            if (others.All(run => run.Arm(arm) is null))
            {
                throw new ArgumentException($"none of the later runs has an arm {arm}; theirs are {string.Join(", ", others.SelectMany(run => run.Arms).Select(each => each.Name).Distinct())}");
            }
        }

        foreach (var run in others)
        {
            if (run.Arms.GroupBy(arm => counterparts.GetValueOrDefault(arm.Name, arm.Name)).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                throw new ArgumentException($"a run has both {string.Join(" and ", twice.Select(arm => arm.Name))}: which of them is the counterpart of the first run's {twice.Key} is not clear");
            }
        }
    }

    private static RunResults Renamed(RunResults results, IReadOnlyDictionary<string, string> counterparts) =>
        results with { Arms = [.. results.Arms.Select(arm => arm with { Name = counterparts.GetValueOrDefault(arm.Name, arm.Name) })] };

    /// <summary>One row an arm, one column a run, and each run's difference to the first.</summary>
    public TruthTable Table()
    {
        var metric = _catalog.Describe(PrimaryMetric);
        List<TableColumn> columns = [new("arm", IsText: true), .. Runs.Select(run => new TableColumn(run))];
        foreach (var run in Runs.Skip(1))
        {
            columns.Add(new TableColumn($"{run} − {Runs[0]}"));
            columns.Add(new TableColumn("verdict", IsText: true));
        }

        return new TruthTable($"{metric.Heading}, mean ± sd over seeds", columns, [.. Arms.Select(arm => (IReadOnlyList<string>)Row(arm, metric))]);
    }

    private List<string> Row(string arm, MetricEntry metric)
    {
        var entries = Entries.Where(entry => entry.Arm == arm).ToArray();
        List<string> cells = [arm, .. entries.Select(entry => MetricFormat.Value(metric, entry.Summary?.Mean, entry.Summary?.Sd))];
        foreach (var entry in entries.Skip(1))
        {
            cells.Add(entry.Interval is { } interval ? $"{MetricFormat.Difference(metric, interval.Value)} [{MetricFormat.Difference(metric, interval.Low)} … {MetricFormat.Difference(metric, interval.High)}]" : MetricFormat.Missing);
            cells.Add(entry.Verdict);
        }

        return cells;
    }

    private RunComparisonEntry Compare((string Name, RunResults Results) first, (string Name, RunResults Results) run, string arm)
    {
        var (there, here) = (BySeed(first.Results, arm), BySeed(run.Results, arm));
        var summary = run.Results.Arm(arm)?.Metrics.GetValueOrDefault(PrimaryMetric);
        if (ReferenceEquals(first.Results, run.Results))
        {
            return new RunComparisonEntry(run.Name, arm, PrimaryMetric, summary, [], null, Verdicts.NotTested);
        }

        int[] seeds = [.. here.Keys.Where(there.ContainsKey).Order()];
        var interval = DataDifferences(first.Results, run.Results).Any() ? null : Statistics.PairedInterval([.. seeds.Select(seed => here[seed])], [.. seeds.Select(seed => there[seed])]);
        return new RunComparisonEntry(run.Name, arm, PrimaryMetric, summary, seeds, interval, Verdicts.Word(interval, _catalog.Describe(PrimaryMetric).Direction));
    }

    private Dictionary<int, double> BySeed(RunResults results, string arm)
        => results.Arm(arm) is { } found && found.Metrics.TryGetValue(PrimaryMetric, out var summary)
            ? found.Seeds.Zip(summary.Values).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First, pair => pair.Second!.Value)
            : [];

    private static IEnumerable<string> DataDifferences(RunResults first, RunResults other)
        => first.Data.Keys.Union(other.Data.Keys).Where(key => first.Data.GetValueOrDefault(key) != other.Data.GetValueOrDefault(key));

    private static IEnumerable<string> Warn((string Name, RunResults Results) first, (string Name, RunResults Results) other)
    {
        foreach (var key in DataDifferences(first.Results, other.Results))
        {
            yield return $"{key} differs: {first.Name} has {first.Results.Data.GetValueOrDefault(key) ?? "none"}, {other.Name} has {other.Results.Data.GetValueOrDefault(key) ?? "none"}; no verdict is given.";
        }

        if (first.Results.PrimaryMetric != other.Results.PrimaryMetric)
        {
            yield return $"{other.Name} is about {other.Results.PrimaryMetric}, {first.Name} about {first.Results.PrimaryMetric}.";
        }

        foreach (var arm in first.Results.Arms)
        {
            if (other.Results.Arm(arm.Name) is not { } same)
            {
                yield return $"{other.Name} has no arm {arm.Name}.";
            }
            else if (!same.Seeds.SequenceEqual(arm.Seeds))
            {
                yield return $"{arm.Name} has seeds {string.Join(", ", arm.Seeds)} in {first.Name} and {string.Join(", ", same.Seeds)} in {other.Name}; the difference uses those in common.";
            }
        }

        foreach (var arm in other.Results.Arms.Where(arm => first.Results.Arm(arm.Name) is null))
        {
            yield return $"{first.Name} has no arm {arm.Name}.";
        }
    }
}
