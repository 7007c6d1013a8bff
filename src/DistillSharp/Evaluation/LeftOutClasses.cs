namespace DistillSharp.Evaluation;

/// <summary>
/// What a network knows of classes of which it has seen no sample (Hinton et al., Distilling the Knowledge in a Neural Network, 2015, section 3). Such a network
/// underrates the classes as a whole, which one number added to their logits repairs; it is chosen on validation data.
/// </summary>
public static class LeftOutClasses
{
    /// <summary>The number that, added to the logits of <paramref name="classes"/>, leaves the fewest errors; of the best ones the middle of the widest range.</summary>
    /// <param name="split">Logits and labels; validation data, where the result is to be used on test data.</param>
    /// <param name="classes">Labels of the classes; some but not all.</param>
    public static double FitBias(SplitLogits split, IReadOnlyList<int> classes)
    {
        var isLeftOut = Flags(split.Classes, classes);
        // Above its threshold a sample is taken for one of the classes: right, wrong or still wrong.
        var steps = Enumerable.Range(0, split.Labels.Length).Select(i => Threshold(split, i, isLeftOut))
            .GroupBy(sample => sample.At, (at, samples) => (At: at, Gain: samples.Sum(sample => sample.Gain))).OrderBy(step => step.At).ToList();
        var gain = 0;
        var (bestGain, low, high) = (0, double.NegativeInfinity, steps[0].At);
        for (var i = 0; i < steps.Count; i++)
        {
            gain += steps[i].Gain;
            var (from, to) = (steps[i].At, i + 1 < steps.Count ? steps[i + 1].At : double.PositiveInfinity);
            if (gain > bestGain || (gain == bestGain && to - from > high - low && double.IsFinite(to)))
            {
                (bestGain, low, high) = (gain, from, to);
            }
        }

        return double.IsInfinity(low) ? high - 1 : double.IsInfinity(high) ? low + 1 : (low + high) / 2;
    }

    /// <summary>The logits with a number added to those of <paramref name="classes"/>.</summary>
    public static SplitLogits WithBias(SplitLogits split, IReadOnlyList<int> classes, double bias)
    {
        var isLeftOut = Flags(split.Classes, classes);
        return split with { Logits = [.. split.Logits.Select((logit, i) => isLeftOut[i % split.Classes] ? (float)(logit + bias) : logit)] };
    }

    /// <summary><c>left_out_recall</c>, and with the bias <c>left_out_bias</c>, <c>errors_corrected</c>, <c>left_out_recall_corrected</c>.</summary>
    public static IEnumerable<KeyValuePair<string, double>> Metrics(SplitLogits validation, SplitLogits test, IReadOnlyList<int> classes)
    {
        var bias = FitBias(validation, classes);
        var corrected = WithBias(test, classes, bias);
        yield return new("left_out_recall", Recall(test, classes));
        yield return new("left_out_bias", bias);
        yield return new("errors_corrected", ClassificationMetrics.Compute(corrected.Logits, corrected.Labels, corrected.Classes).Metrics["errors"]);
        yield return new("left_out_recall_corrected", Recall(corrected, classes));
    }

    private static bool[] Flags(int count, IReadOnlyList<int> classes)
    {
        bool[] flags = [.. Enumerable.Range(0, count).Select(classes.Contains)];
        return flags.Any(flag => flag) && flags.Any(flag => !flag) ? flags : throw new ArgumentException("some classes must be left out, and some not", nameof(classes));
    }

    private static (double At, int Gain) Threshold(SplitLogits split, int sample, bool[] isLeftOut)
    {
        var row = split.Logits.AsSpan(sample * split.Classes, split.Classes);
        var (inside, outside) = (-1, -1);
        for (var i = 0; i < row.Length; i++)
        {
            ref var best = ref isLeftOut[i] ? ref inside : ref outside;
            best = best < 0 || row[i] > row[best] ? i : best;
        }

        var label = split.Labels[sample];
        return (row[outside] - (double)row[inside], (label == inside ? 1 : 0) - (label == outside ? 1 : 0));
    }

    private static double Recall(SplitLogits split, IReadOnlyList<int> classes)
    {
        var predicted = ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Predictions;
        var members = split.Labels.Select((label, i) => (label, i)).Where(sample => classes.Contains(sample.label)).ToList();
        return members.Count == 0 ? double.NaN : members.Count(sample => predicted[sample.i] == sample.label) / (double)members.Count;
    }
}
