namespace DistillSharp.Evaluation;

/// <summary>How far confidence can be believed, and temperature scaling (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).</summary>
public static class Calibration
{
    /// <summary>Equal-width confidence bins of the calibration error.</summary>
    public const int Bins = 15;

    /// <summary>Lowest temperature that is fitted; a network that is right on every validation sample would ask for 0.</summary>
    public const double MinimumTemperature = 0.05;

    /// <summary>Highest temperature that is fitted.</summary>
    public const double MaximumTemperature = 20;

    /// <summary>Mean of −log softmax(logits / T) at the label, in nats.</summary>
    public static double NegativeLogLikelihood(float[] logits, int[] labels, int classes, double temperature = 1)
    {
        ClassificationMetrics.Check(logits, labels, classes);
        var sum = 0.0;
        for (var i = 0; i < labels.Length; i++)
        {
            sum += Moments(logits.AsSpan(i * classes, classes), labels[i], 1 / temperature).Nll;
        }

        return sum / labels.Length;
    }

    /// <summary>
    /// Expected calibration error of softmax(logits / T): |accuracy − confidence| in 15 bins ((m − 1)/15, m/15] of the largest
    /// probability, weighted by the bins' shares of the samples; 0…1.
    /// </summary>
    public static double ExpectedCalibrationError(float[] logits, int[] labels, int classes, double temperature = 1)
    {
        ClassificationMetrics.Check(logits, labels, classes);
        var confidences = new double[Bins];
        var hits = new double[Bins];
        for (var i = 0; i < labels.Length; i++)
        {
            var row = logits.AsSpan(i * classes, classes);
            var prediction = ClassificationMetrics.ArgMax(row);
            var confidence = 1 / Exponentials(row, row[prediction], 1 / temperature);
            var bin = Math.Clamp((int)Math.Ceiling(confidence * Bins) - 1, 0, Bins - 1);
            confidences[bin] += confidence;
            hits[bin] += prediction == labels[i] ? 1 : 0;
        }

        return confidences.Zip(hits, (confidence, hit) => Math.Abs(hit - confidence)).Sum() / labels.Length;
    }

    /// <summary>
    /// The temperature in 0.05…20 at which validation logits have the least negative log-likelihood. The likelihood is convex
    /// in 1/T, so the sign of its derivative brackets the one minimum; Newton steps that leave the bracket become bisections.
    /// </summary>
    public static double FitTemperature(float[] validationLogits, int[] labels, int classes)
    {
        ClassificationMetrics.Check(validationLogits, labels, classes);
        var (low, high) = (1 / MaximumTemperature, 1 / MinimumTemperature);
        var inverse = 1.0;
        for (var iteration = 0; iteration < 100 && high - low > 1e-10 * high; iteration++)
        {
            var (slope, curvature) = Derivatives(validationLogits, labels, classes, inverse);
            (low, high) = slope < 0 ? (inverse, high) : (low, inverse);
            var newton = inverse - (slope / curvature);
            var next = newton > low && newton < high ? newton : (low + high) / 2;
            if (Math.Abs(next - inverse) <= 1e-12 * inverse)
            {
                break;
            }

            inverse = next;
        }

        return 1 / inverse;
    }

    /// <summary>Sum of exp((logit − largest) · inverse temperature); its reciprocal is the largest probability.</summary>
    private static double Exponentials(ReadOnlySpan<float> row, double largest, double inverse)
    {
        var sum = 0.0;
        foreach (double logit in row)
        {
            sum += Math.Exp((logit - largest) * inverse);
        }

        return sum;
    }

    private static (double Slope, double Curvature) Derivatives(float[] logits, int[] labels, int classes, double inverse)
    {
        var (slope, curvature) = (0.0, 0.0);
        for (var i = 0; i < labels.Length; i++)
        {
            var (_, mean, variance) = Moments(logits.AsSpan(i * classes, classes), labels[i], inverse);
            slope += mean - logits[(i * classes) + labels[i]];
            curvature += variance;
        }

        return (slope / labels.Length, curvature / labels.Length);
    }

    /// <summary>−log p(label) and the mean and variance of the logit under p = softmax(logits · inverse temperature).</summary>
    private static (double Nll, double Mean, double Variance) Moments(ReadOnlySpan<float> row, int label, double inverse)
    {
        double largest = row[ClassificationMetrics.ArgMax(row)];
        var (sum, first, second) = (0.0, 0.0, 0.0);
        foreach (double logit in row)
        {
            var weight = Math.Exp((logit - largest) * inverse);
            sum += weight;
            first += weight * (logit - largest);
            second += weight * (logit - largest) * (logit - largest);
        }

        var mean = first / sum;
        return (Math.Log(sum) - ((row[label] - largest) * inverse), mean + largest, Math.Max(0, (second / sum) - (mean * mean)));
    }
}
