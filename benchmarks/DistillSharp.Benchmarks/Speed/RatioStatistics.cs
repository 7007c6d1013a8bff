using System.Globalization;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>Median of ratios with a percentile bootstrap over blocks.</summary>
internal static class RatioStatistics
{
    private const int Resamples = 4000;

    public static SpeedRow Row(string name, IReadOnlyList<double> ratios, double target)
    {
        // A fixed seed, so that the interval depends on the measurements alone.
        var random = new Random(12345);
        var medians = new double[Resamples];
        var sample = new double[ratios.Count];
        for (var i = 0; i < Resamples; i++)
        {
            for (var k = 0; k < sample.Length; k++)
            {
                sample[k] = ratios[random.Next(ratios.Count)];
            }

            medians[i] = Median(sample);
        }

        Array.Sort(medians);
        return Row(name, Median(ratios), medians[(int)(0.025 * Resamples)], medians[(int)(0.975 * Resamples)], target);
    }

    public static SpeedRow Row(string name, double ratio, double low, double high, double target) =>
        new(name, ratio, low, high, string.Create(CultureInfo.InvariantCulture, $"<= {target:0.00}"), ratio <= target);

    public static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
