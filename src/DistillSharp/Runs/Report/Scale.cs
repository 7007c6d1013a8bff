using System.Globalization;

namespace DistillSharp.Runs.Report;

/// <summary>Maps values to positions and picks round ticks.</summary>
/// <param name="Low">Value at <paramref name="Start"/>.</param>
/// <param name="High">Value at <paramref name="End"/>.</param>
/// <param name="Start">First position, in drawing units.</param>
/// <param name="End">Last position.</param>
internal readonly record struct Scale(double Low, double High, double Start, double End)
{
    /// <summary>Position of a value.</summary>
    public double At(double value) => Start + ((value - Low) / (High - Low) * (End - Start));

    /// <summary>A scale over values with a little room at both ends, though never below 0 for values that are not negative; values that are all equal get room around them.</summary>
    public static Scale Over(IReadOnlyCollection<double> values, double start, double end, double room = 0.06)
    {
        var (low, high) = values.Count == 0 ? (0, 1) : (values.Min(), values.Max());
        var margin = high > low ? room * (high - low) : Math.Max(1e-6, Math.Abs(high) * 0.1);
        return new Scale(low >= 0 ? Math.Max(0, low - margin) : low - margin, high + margin, start, end);
    }

    /// <summary>About <paramref name="count"/> ticks at multiples of 1, 2 or 5 times a power of ten, with their texts.</summary>
    public IEnumerable<(double Value, string Text)> Ticks(int count, double factor = 1)
    {
        var (low, high) = (Low * factor, High * factor);
        var raw = (high - low) / Math.Max(1, count);
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = new[] { 1, 2, 5, 10 }.Select(multiple => multiple * power).First(candidate => candidate >= raw * 0.999);
        var decimals = Math.Max(0, (int)Math.Ceiling(-Math.Log10(step) - 1e-9));
        var ticks = new List<(double, string)>();
        for (var index = Math.Ceiling((low / step) - 1e-9) + 0.0; index * step <= high + (1e-9 * step); index++)
        {
            ticks.Add((index * step / factor, ((index * step) + 0.0).ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture).Replace("-", "−", StringComparison.Ordinal)));
        }

        return ticks;
    }
}
