using System.Globalization;

namespace DistillSharp.Evaluation;

/// <summary>Metrics as people read them: shares in percent with two decimals, counts with k and M, ± the standard deviation.</summary>
public static class MetricFormat
{
    /// <summary>Stands for a figure that is not there.</summary>
    public const string Missing = "–";

    private static readonly string[] s_prefixes = ["", "k", "M", "G", "T"];

    /// <summary>Mean ± standard deviation in the metric's unit, without the unit where the heading carries it.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="mean">Mean; null prints –.</param>
    /// <param name="sd">Standard deviation over seeds; left out where null, or where it is 0 for a count or cost.</param>
    public static string Value(MetricEntry metric, double? mean, double? sd = null)
    {
        if (mean is not { } value || !double.IsFinite(value))
        {
            return Missing;
        }

        var showSd = sd is { } spread && (spread > 0 || metric.Unit == MetricUnit.Share);
        switch (metric.Unit)
        {
            case MetricUnit.Count:
                return Prefixed(value, "");
            case MetricUnit.Bytes:
                return Prefixed(value, "B");
            case MetricUnit.Share:
                return Fixed(100 * value, 2) + (showSd ? $" ± {Fixed(100 * sd!.Value, 2)}" : "");
            default:
                var decimals = !showSd && value == Math.Round(value) ? 0 : Decimals(metric.Unit, Math.Abs(value));
                return Fixed(value, decimals) + (showSd ? $" ± {Fixed(sd!.Value, decimals)}" : "");
        }
    }

    /// <summary>A difference with its sign: percentage points for shares.</summary>
    public static string Difference(MetricEntry metric, double? difference)
    {
        if (difference is not { } value || !double.IsFinite(value))
        {
            return Missing;
        }

        var text = metric.Unit == MetricUnit.Share ? Fixed(100 * Math.Abs(value), 2) : Fixed(Math.Abs(value), Decimals(metric.Unit, Math.Abs(value)));
        return text.All(digit => digit is '0' or '.') ? text : (value < 0 ? "−" : "+") + text;
    }

    /// <summary>The unit of a difference as a word, with a leading space; empty for plain numbers.</summary>
    public static string DifferenceUnit(MetricEntry metric) => metric.Unit switch
    {
        MetricUnit.Share => " points",
        MetricUnit.Seconds => " s",
        MetricUnit.Milliseconds => " ms",
        MetricUnit.Megabytes => " MB",
        _ => "",
    };

    /// <summary>A share in whole percent, such as 41 %.</summary>
    public static string WholePercent(double share) => Fixed(Math.Round(100 * share) + 0.0, 0).Replace("-", "−", StringComparison.Ordinal) + " %";

    /// <summary>A p value: three decimals, or that it is below 0.001.</summary>
    public static string PValue(double value) => value < 0.001 ? "< 0.001" : Fixed(value, 3);

    private static int Decimals(MetricUnit unit, double magnitude) => (unit, magnitude) switch
    {
        (MetricUnit.Whole, _) => 1,
        (MetricUnit.Seconds or MetricUnit.Megabytes, _) => magnitude < 10 ? 1 : 0,
        (MetricUnit.Milliseconds, _) => magnitude < 1 ? 4 : magnitude < 100 ? 2 : 0,
        (_, >= 100) => 1,
        (_, >= 10) => 2,
        (_, >= 1) => 3,
        _ => 4,
    };

    private static string Prefixed(double value, string unit)
    {
        var step = 0;
        for (; Math.Abs(value) >= 999.5 && step < s_prefixes.Length - 1; value /= 1000)
        {
            step++;
        }

        var number = step == 0 ? Fixed(value, 0) : Fixed(value, Math.Abs(value) < 9.995 ? 2 : Math.Abs(value) < 99.95 ? 1 : 0);
        return $"{number} {s_prefixes[step]}{unit}".TrimEnd();
    }

    private static string Fixed(double value, int decimals) => value.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
