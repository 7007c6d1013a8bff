namespace DistillSharp.Evaluation;

/// <summary>Metrics of a decision between two classes, from the log-odds of the second one.</summary>
public static class BinaryMetrics
{
    /// <summary>
    /// <c>accuracy</c> and <c>f1</c> where a log-odds above 0 says yes, and <c>auc</c>, the area under the curve of true over false positives:
    /// the chance that a random yes has larger log-odds than a random no, equal ones counting half (Hanley and McNeil, Radiology 1982).
    /// NaN where a class has no sample, or F1 nothing to count.
    /// </summary>
    /// <param name="logOdds">ln(p / (1 − p)) of each sample.</param>
    /// <param name="labels">1 for yes and 0 for no; samples of other labels are left out.</param>
    /// <exception cref="ArgumentException">There are not as many of both.</exception>
    public static Dictionary<string, double> Compute(IReadOnlyList<float> logOdds, IReadOnlyList<int> labels)
    {
        if (logOdds.Count != labels.Count)
        {
            throw new ArgumentException($"{logOdds.Count} log-odds do not fit {labels.Count} labels");
        }

        var samples = logOdds.Zip(labels).Where(sample => sample.Second is 0 or 1).OrderBy(sample => sample.First).ToList();
        var (right, wrongYes, wrongNo) = (
            samples.Count(sample => sample.First > 0 == (sample.Second == 1)),
            samples.Count(sample => sample.First > 0 && sample.Second == 0),
            samples.Count(sample => sample.First <= 0 && sample.Second == 1));
        var rightYes = samples.Count(sample => sample.Second == 1) - wrongNo;
        return new Dictionary<string, double>
        {
            ["accuracy"] = (double)right / samples.Count,
            ["f1"] = 2.0 * rightYes / ((2 * rightYes) + wrongYes + wrongNo),
            ["auc"] = Area(samples),
        };
    }

    // Mann and Whitney: the sum of the ranks of yes, equal values sharing theirs.
    private static double Area(List<(float LogOdds, int Label)> sorted)
    {
        var (ranks, yes) = (0.0, 0L);
        for (var start = 0; start < sorted.Count;)
        {
            var end = start;
            while (end < sorted.Count && sorted[end].LogOdds.Equals(sorted[start].LogOdds))
            {
                end++;
            }

            var count = sorted.GetRange(start, end - start).Count(sample => sample.Label == 1);
            ranks += count * ((start + 1 + end) / 2.0);
            yes += count;
            start = end;
        }

        var no = sorted.Count - yes;
        return yes == 0 || no == 0 ? double.NaN : (ranks - (yes * (yes + 1) / 2.0)) / ((double)yes * no);
    }
}
