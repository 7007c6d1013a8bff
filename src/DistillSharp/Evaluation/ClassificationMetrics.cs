namespace DistillSharp.Evaluation;

/// <summary>What a classifier did on a data split.</summary>
/// <param name="Metrics"><c>top1</c>, <c>top5</c> (more than 5 classes), <c>errors</c>, <c>nll</c>, <c>ece</c> and, with a calibration temperature, <c>nll_calibrated</c>, <c>ece_calibrated</c>, <c>calibration_temperature</c>; shares are 0…1.</param>
/// <param name="Predictions">Most probable class of each sample.</param>
/// <param name="PerClass">Accuracy on the samples of each class, 0…1; NaN for a class without samples.</param>
public sealed record ClassificationResult(Dictionary<string, double> Metrics, int[] Predictions, double[] PerClass);

/// <summary>Metrics of classifiers from plain arrays.</summary>
public static class ClassificationMetrics
{
    /// <summary>Metrics of logits against labels.</summary>
    /// <param name="logits">[N × classes], row by row.</param>
    /// <param name="labels">[N], each in [0, classes).</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="calibrationTemperature">From <see cref="Calibration.FitTemperature"/> on <em>validation</em> logits; adds the calibrated metrics.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, a label is out of range, or there are no samples.</exception>
    /// <exception cref="NonFiniteLogitsException">A logit is not a finite number.</exception>
    public static ClassificationResult Compute(float[] logits, int[] labels, int classes, double? calibrationTemperature = null)
    {
        Check(logits, labels, classes);
        var predictions = new int[labels.Length];
        var right = new int[classes];
        var total = new int[classes];
        var inTop5 = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            var row = logits.AsSpan(i * classes, classes);
            predictions[i] = ArgMax(row);
            total[labels[i]]++;
            right[labels[i]] += predictions[i] == labels[i] ? 1 : 0;
            inTop5 += Rank(row, labels[i]) < 5 ? 1 : 0;
        }

        var count = (double)labels.Length;
        var correct = right.Sum();
        var metrics = new Dictionary<string, double> { ["top1"] = correct / count };
        if (classes > 5)
        {
            metrics["top5"] = inTop5 / count;
        }

        metrics["errors"] = labels.Length - correct;
        metrics["nll"] = Calibration.NegativeLogLikelihood(logits, labels, classes);
        metrics["ece"] = Calibration.ExpectedCalibrationError(logits, labels, classes);
        if (calibrationTemperature is { } temperature)
        {
            metrics["nll_calibrated"] = Calibration.NegativeLogLikelihood(logits, labels, classes, temperature);
            metrics["ece_calibrated"] = Calibration.ExpectedCalibrationError(logits, labels, classes, temperature);
            metrics["calibration_temperature"] = temperature;
        }

        return new ClassificationResult(metrics, predictions, [.. right.Zip(total, (hits, of) => of == 0 ? double.NaN : hits / (double)of)]);
    }

    /// <summary>Share of samples for which student and teacher predict the same class, right or wrong.</summary>
    /// <exception cref="ArgumentException">The lengths differ or are 0.</exception>
    public static double Agreement(IReadOnlyList<int> studentPredictions, IReadOnlyList<int> teacherPredictions)
    {
        if (studentPredictions.Count != teacherPredictions.Count || studentPredictions.Count == 0)
        {
            throw new ArgumentException($"agreement needs predictions on the same samples; the student has {studentPredictions.Count}, the teacher {teacherPredictions.Count}");
        }

        var same = 0;
        for (var i = 0; i < studentPredictions.Count; i++)
        {
            same += studentPredictions[i] == teacherPredictions[i] ? 1 : 0;
        }

        return same / (double)studentPredictions.Count;
    }

    /// <summary>Index of the largest value; the first of equals.</summary>
    internal static int ArgMax(ReadOnlySpan<float> row)
    {
        var best = 0;
        for (var c = 1; c < row.Length; c++)
        {
            best = row[c] > row[best] ? c : best;
        }

        return best;
    }

    internal static void Check(float[] logits, int[] labels, int classes)
    {
        if (classes < 2)
        {
            throw new ArgumentException($"a classifier needs at least 2 classes, not {classes}");
        }

        if (labels.Length == 0)
        {
            throw new ArgumentException("there are no samples to evaluate");
        }

        if (logits.LongLength != (long)labels.Length * classes)
        {
            throw new ArgumentException($"{labels.Length} labels and {classes} classes need {(long)labels.Length * classes} logits, not {logits.LongLength}");
        }

        if (Array.FindIndex(labels, label => label < 0 || label >= classes) is >= 0 and var wrong)
        {
            throw new ArgumentException($"sample {wrong} has label {labels[wrong]}; labels must lie in 0…{classes - 1}");
        }

        if (Array.FindIndex(logits, logit => !float.IsFinite(logit)) is >= 0 and var bad)
        {
            throw new NonFiniteLogitsException($"sample {bad / classes} has the logit {logits[bad]} for class {bad % classes}; the network has diverged", logits[bad]);
        }
    }

    /// <summary>Classes before <paramref name="label"/> when sorted by logit, ties by index: 0 is the prediction.</summary>
    private static int Rank(ReadOnlySpan<float> row, int label)
    {
        var before = 0;
        for (var c = 0; c < row.Length; c++)
        {
            before += row[c] > row[label] || (row[c] == row[label] && c < label) ? 1 : 0;
        }

        return before;
    }
}
