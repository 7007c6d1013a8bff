using DistillSharp.Evaluation;

namespace DistillSharp.Runs;

/// <summary>Finished jobs, taken two arms at a time on the seeds that both have.</summary>
internal sealed class ArmPairs(IReadOnlyDictionary<string, SortedDictionary<int, JobResult>> arms, IReadOnlyList<int> labels, string primary, MetricCatalog catalog)
{
    /// <summary>Smallest p value that counts as chance.</summary>
    private const double Significance = 1 - Statistics.Confidence;

    /// <summary>Arm against reference in one metric; null where no common seed has it for both.</summary>
    public Difference? Difference(string arm, string against, string metric)
    {
        var pairs = Pair(arm, against, metric);
        if (pairs.Length == 0)
        {
            return null;
        }

        var first = pairs.Select(pair => pair.First.Metrics[metric]).ToArray();
        var second = pairs.Select(pair => pair.Second.Metrics[metric]).ToArray();
        var bySamples = metric == "top1" && pairs.All(HasPredictions);
        var tests = bySamples ? pairs.Select(pair => McNemar.Test(pair.First.Predictions, pair.Second.Predictions, labels)).ToArray() : [];
        var samples = bySamples ? Statistics.Bootstrap(PerSample(pairs)) : OverCounts(pairs, metric);
        // Seeds that all differ alike tell nothing of their spread, so that test samples decide, as with one seed.
        var seeds = samples is null || Statistics.HasSpread(first, second) ? Statistics.PairedInterval(first, second) : null;
        var interval = seeds ?? samples;
        var pooled = tests.Length > 0 ? McNemar.Pool(tests) : null;
        return new Difference
        {
            Arm = arm,
            Against = against,
            Metric = metric,
            Seeds = [.. pairs.Select(pair => pair.First.Seed)],
            Value = Statistics.Mean([.. first.Zip(second, (a, b) => a - b)]),
            Low = interval?.Low,
            High = interval?.High,
            Method = seeds is not null ? "paired t over seeds" : samples is not null ? "bootstrap over test samples" : "none",
            Verdict = Verdicts.Word(interval, catalog.Describe(metric).Direction, chance: seeds is null && pooled?.PValue >= Significance),
            SampleInterval = samples is { } both ? [both.Low, both.High] : null,
            McNemar = tests,
            McNemarPooled = pooled,
        };
    }

    /// <summary>Gap recovery of the primary metric; null where teacher, plain and arm have no seed in common.</summary>
    public GapRecovery? GapRecovery(string arm)
    {
        if (!arms.TryGetValue(ArmNames.Teacher, out var teachers))
        {
            return null;
        }

        var triples = Pair(arm, ArmNames.Plain, primary)
            .Select(pair => (pair.First, pair.Second, Teacher: teachers.Count == 1 ? teachers.Values.First() : teachers.GetValueOrDefault(pair.First.Seed)))
            .Where(triple => triple.Teacher is not null && triple.Teacher.Metrics.ContainsKey(primary)).ToArray();
        if (triples.Length == 0)
        {
            return null;
        }

        JobResult[] firsts = [.. triples.Select(triple => triple.First)], seconds = [.. triples.Select(triple => triple.Second)], thirds = [.. triples.Select(triple => triple.Teacher!)];
        double[] first = Values(firsts), second = Values(seconds), third = Values(thirds);
        var hasSpread = Statistics.HasSpread(first, second) && Statistics.HasSpread(third, second);
        return !hasSpread && primary == "top1" && firsts.Concat(seconds).Concat(thirds).All(job => job.Predictions.Length > 0)
            ? Evaluation.GapRecovery.FromSamples(Right(firsts), Right(seconds), Right(thirds))
            : Evaluation.GapRecovery.FromSeeds(first, second, third, catalog.Describe(primary).Direction != MetricDirection.Lower);

        double[] Values(JobResult[] jobs) => [.. jobs.Select(job => job.Metrics[primary])];
    }

    /// <summary>Negative flips of an arm against plain, by common seed.</summary>
    public IReadOnlyList<Flips> Flips(string arm)
        => [.. Pair(arm, ArmNames.Plain, null).Where(HasPredictions).Select(pair =>
        {
            var test = McNemar.Test(pair.First.Predictions, pair.Second.Predictions, labels);
            return new Flips(pair.First.Seed, test.OnlySecondRight, test.OnlySecondRight / (double)labels.Count, test.OnlyFirstRight);
        })];

    /// <summary>Accuracy change against plain by class that has test samples.</summary>
    public IReadOnlyList<ClassChange> ClassChanges(string arm, IReadOnlyList<string> classNames)
    {
        var pairs = Pair(arm, ArmNames.Plain, null).Where(pair => pair.First.PerClass.Length > 0 && pair.First.PerClass.Length == pair.Second.PerClass.Length).ToArray();
        var changes = new List<ClassChange>();
        for (var index = 0; pairs.Length > 0 && index < pairs[0].First.PerClass.Length; index++)
        {
            double[] first = [.. pairs.Select(pair => pair.First.PerClass[index])];
            double[] second = [.. pairs.Select(pair => pair.Second.PerClass[index])];
            if (double.IsFinite(first.Sum() + second.Sum()))
            {
                var interval = Statistics.PairedInterval(first, second);
                changes.Add(new ClassChange(index < classNames.Count ? classNames[index] : $"{index}", Statistics.Mean([.. first.Zip(second, (a, b) => a - b)]), interval?.Low, interval?.High));
            }
        }

        return changes;
    }

    private (JobResult First, JobResult Second)[] Pair(string arm, string against, string? metric)
        => !arms.TryGetValue(arm, out var firsts) || !arms.TryGetValue(against, out var seconds)
            ? []
            : [.. firsts.Where(first => seconds.ContainsKey(first.Key)).Select(first => (first.Value, seconds[first.Key])).Where(pair => metric is null || (Has(pair.Value, metric) && Has(pair.Item2, metric)))];

    private static bool Has(JobResult job, string metric) => job.Metrics.TryGetValue(metric, out var value) && double.IsFinite(value);

    private static bool HasPredictions((JobResult First, JobResult Second) pair) => pair.First.Predictions.Length > 0 && pair.Second.Predictions.Length > 0;

    /// <summary>Mean over seeds of (first right) − (second right) for each test sample.</summary>
    private double[] PerSample((JobResult First, JobResult Second)[] pairs)
    {
        var sums = new double[labels.Count];
        foreach (var (first, second) in pairs)
        {
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += ((first.Predictions[i] == labels[i] ? 1.0 : 0) - (second.Predictions[i] == labels[i] ? 1.0 : 0)) / pairs.Length;
            }
        }

        return sums;
    }

    // The samples are drawn once for all seeds: the difference of a draw is the mean of the seeds' differences.
    private Interval? OverCounts((JobResult First, JobResult Second)[] pairs, string metric)
    {
        var counts = pairs.Select(pair => (First: pair.First.Counts.GetValueOrDefault(metric), Second: pair.Second.Counts.GetValueOrDefault(metric))).ToArray();
        if (catalog.Describe(metric).OfCounts is not { } score || counts[0].First is not { Length: > 0 } one || !counts.All(pair => pair.First?.Length == one.Length && pair.Second?.Length == one.Length))
        {
            return null;
        }

        double[][] Together(Func<(double[][]? First, double[][]? Second), double[][]?> side) => [.. Enumerable.Range(0, one.Length).Select(i => counts.SelectMany(pair => side(pair)![i]).ToArray())];
        return PairedTests.Bootstrap(Together(pair => pair.First), Together(pair => pair.Second), sums => sums.Chunk(one[0].Length).Average(score));
    }

    /// <summary>Share of seeds that have each test sample right.</summary>
    private double[] Right(JobResult[] jobs) => [.. labels.Select((label, i) => jobs.Average(job => job.Predictions[i] == label ? 1.0 : 0))];
}
