using CsCheck;
using DistillSharp.Evaluation;

namespace DistillSharp.Tests.Evaluation;

public class ClassificationMetricsTests
{
    private static readonly Gen<(float[] Logits, int[] Labels, int Classes)> s_cases =
        from classes in Gen.Int[2, 9]
        from count in Gen.Int[1, 40]
        from logits in Gen.Float[-6, 6].Array[classes * count]
        from labels in Gen.Int[0, classes - 1].Array[count]
        select (logits, labels, classes);

    [Fact]
    public void Compute_ThreeSamplesByHand_GivesTheirFigures()
    {
        float[] logits = [MathF.Log(0.7f), MathF.Log(0.2f), MathF.Log(0.1f), MathF.Log(0.3f), MathF.Log(0.5f), MathF.Log(0.2f), MathF.Log(0.1f), MathF.Log(0.1f), MathF.Log(0.8f)];
        var result = ClassificationMetrics.Compute(logits, [0, 0, 2], 3);
        Assert.Equal([0, 1, 2], result.Predictions);
        Assert.Equal(2 / 3.0, result.Metrics["top1"], 1e-12);
        Assert.Equal(1, result.Metrics["errors"]);
        Assert.Equal(-(Math.Log(0.7) + Math.Log(0.3) + Math.Log(0.8)) / 3, result.Metrics["nll"], 1e-6);
        Assert.Equal((0.3 + 0.5 + 0.2) / 3, result.Metrics["ece"], 1e-6);
        Assert.Equal([0.5, double.NaN, 1.0], result.PerClass);
        Assert.False(result.Metrics.ContainsKey("top5"));
        Assert.False(result.Metrics.ContainsKey("ece_calibrated"));
    }

    [Fact]
    public void Compute_AnyLogits_MatchesNaiveLoops() => s_cases.Sample(sample =>
    {
        var (logits, labels, classes) = sample;
        var metrics = ClassificationMetrics.Compute(logits, labels, classes, 2.5).Metrics;
        Assert.Equal(NaiveTop(logits, labels, classes, 1), metrics["top1"], 1e-12);
        Assert.Equal(labels.Length - (NaiveTop(logits, labels, classes, 1) * labels.Length), metrics["errors"], 1e-9);
        Assert.Equal(classes > 5, metrics.ContainsKey("top5"));
        if (classes > 5)
        {
            Assert.Equal(NaiveTop(logits, labels, classes, 5), metrics["top5"], 1e-12);
        }

        Assert.Equal(NaiveNll(logits, labels, classes, 1), metrics["nll"], 1e-9);
        Assert.Equal(NaiveNll(logits, labels, classes, 2.5), metrics["nll_calibrated"], 1e-9);
        Assert.Equal(NaiveEce(logits, labels, classes, 1), metrics["ece"], 1e-9);
        Assert.Equal(NaiveEce(logits, labels, classes, 2.5), metrics["ece_calibrated"], 1e-9);
        Assert.Equal(2.5, metrics["calibration_temperature"]);
    }, iter: 300);

    [Fact]
    public void FitTemperature_AnyLogits_NoGridPointIsBetter() => s_cases.Sample(sample =>
    {
        var (logits, labels, classes) = sample;
        var fitted = Calibration.FitTemperature(logits, labels, classes);
        Assert.InRange(fitted, Calibration.MinimumTemperature, Calibration.MaximumTemperature * (1 + 1e-9));
        var least = NaiveNll(logits, labels, classes, fitted);
        for (var step = 0; step <= 200; step++)
        {
            var temperature = Calibration.MinimumTemperature * Math.Pow(Calibration.MaximumTemperature / Calibration.MinimumTemperature, step / 200.0);
            Assert.True(least <= NaiveNll(logits, labels, classes, temperature) + 1e-9, $"T = {temperature} beats {fitted}");
        }
    }, iter: 60);

    [Fact]
    public void FitTemperature_LabelsDrawnAtKnownTemperature_FindsIt()
    {
        var random = new Random(5);
        var logits = Enumerable.Range(0, 4 * 20000).Select(_ => (float)(6 * random.NextDouble())).ToArray();
        var labels = Enumerable.Range(0, 20000).Select(i => Draw(logits.AsSpan(i * 4, 4), 1.7, random.NextDouble())).ToArray();
        Assert.InRange(Calibration.FitTemperature(logits, labels, 4), 1.62, 1.78);
    }

    [Fact]
    public void Compute_LargeLogits_StaysFinite()
    {
        var metrics = ClassificationMetrics.Compute([1e30f, -1e30f, 3e38f, 2e38f], [0, 0], 2).Metrics;
        Assert.All(metrics.Values, value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void Compute_ConstantLogits_AreChance()
    {
        var metrics = ClassificationMetrics.Compute(new float[8 * 10], [0, 1, 2, 3, 4, 5, 6, 7], 10).Metrics;
        Assert.Equal(1 / 8.0, metrics["top1"], 1e-12);
        Assert.Equal(5 / 8.0, metrics["top5"], 1e-12);
        Assert.Equal(Math.Log(10), metrics["nll"], 1e-9);
    }

    [Theory]
    [InlineData(new float[] { 1, 2, 3 }, new[] { 0 }, 2, "2 logits, not 3")]
    [InlineData(new float[] { 1, 2 }, new[] { 2 }, 2, "sample 0 has label 2; labels must lie in 0…1")]
    [InlineData(new float[] { 1, 2, 1, float.NaN }, new[] { 0, 1 }, 2, "sample 1 has the logit NaN for class 1")]
    [InlineData(new float[0], new int[0], 2, "no samples")]
    [InlineData(new float[] { 1 }, new[] { 0 }, 1, "at least 2 classes")]
    public void Compute_BadInput_SaysWhat(float[] logits, int[] labels, int classes, string expected)
        => Assert.Contains(expected, Assert.ThrowsAny<ArgumentException>(() => ClassificationMetrics.Compute(logits, labels, classes)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Compute_LogitThatIsNotFinite_HasAnExceptionOfItsOwn(float logit)
        => Assert.Equal(logit, Assert.Throws<NonFiniteLogitsException>(() => ClassificationMetrics.Compute([1, logit], [0], 2)).Value);

    [Fact]
    public void Agreement_CountsSamePredictions()
    {
        Assert.Equal(0.75, ClassificationMetrics.Agreement([1, 2, 3, 0], [1, 2, 0, 0]), 1e-12);
        Assert.Throws<ArgumentException>(() => ClassificationMetrics.Agreement([1], [1, 2]));
    }

    private static double[] Softmax(ReadOnlySpan<float> row, double temperature)
    {
        double largest = row.ToArray().Max();
        var exponentials = row.ToArray().Select(logit => Math.Exp((logit - largest) / temperature)).ToArray();
        return [.. exponentials.Select(value => value / exponentials.Sum())];
    }

    private static int Draw(ReadOnlySpan<float> row, double temperature, double uniform)
    {
        var probabilities = Softmax(row, temperature);
        var index = 0;
        while (index < row.Length - 1 && uniform >= probabilities[index])
        {
            uniform -= probabilities[index++];
        }

        return index;
    }

    private static double NaiveTop(float[] logits, int[] labels, int classes, int k)
        => labels.Where((label, i) => Enumerable.Range(0, classes).OrderByDescending(c => logits[(i * classes) + c]).Take(k).Contains(label)).Count() / (double)labels.Length;

    private static double NaiveNll(float[] logits, int[] labels, int classes, double temperature)
        => labels.Select((label, i) => -Math.Log(Math.Max(double.Epsilon, Softmax(logits.AsSpan(i * classes, classes), temperature)[label]))).Average();

    private static double NaiveEce(float[] logits, int[] labels, int classes, double temperature)
    {
        var error = 0.0;
        for (var bin = 1; bin <= 15; bin++)
        {
            // The prediction is the largest logit: distinct logits can have equal probabilities in floating point.
            var inside = labels.Select((label, i) => (Right: Enumerable.Range(0, classes).MaxBy(c => logits[(i * classes) + c]) == label, Confidence: Softmax(logits.AsSpan(i * classes, classes), temperature).Max()))
                .Where(sample => sample.Confidence > (bin - 1) / 15.0 && sample.Confidence <= bin / 15.0).ToArray();
            if (inside.Length > 0)
            {
                error += inside.Length / (double)labels.Length * Math.Abs(inside.Average(sample => sample.Right ? 1.0 : 0) - inside.Average(sample => sample.Confidence));
            }
        }

        return error;
    }
}
