using System.Globalization;

namespace DistillSharp.Benchmarks.Growth;

/// <summary>
/// A law t = a + b·x fitted to medians so that relative errors count (weights 1/t²), and the exponent k of t = c·x^k for the larger
/// half of the sizes, where the fixed cost matters least.
/// </summary>
/// <param name="Fixed">a, in seconds; not below 0.</param>
/// <param name="PerUnit">b, in seconds.</param>
/// <param name="LargestError">Largest relative error of the law at a measured size.</param>
/// <param name="Exponent">k.</param>
internal sealed record GrowthFit(double Fixed, double PerUnit, double LargestError, double Exponent)
{
    public static GrowthFit Of(IReadOnlyList<(double Size, double Seconds)> points)
    {
        double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
        foreach (var (x, y) in points)
        {
            var weight = 1 / (y * y);
            (sw, sx, sy, sxx, sxy) = (sw + weight, sx + (weight * x), sy + (weight * y), sxx + (weight * x * x), sxy + (weight * x * y));
        }

        var slope = ((sw * sxy) - (sx * sy)) / ((sw * sxx) - (sx * sx));
        var intercept = (sy - (slope * sx)) / sw;
        if (intercept < 0)
        {
            (intercept, slope) = (0, sxy / sxx);
        }

        var error = points.Max(point => Math.Abs((intercept + (slope * point.Size)) / point.Seconds - 1));
        return new GrowthFit(intercept, slope, error, ExponentOf([.. points.Skip(points.Count / 2)]));
    }

    /// <summary>The law with its numbers, for a variable of that name.</summary>
    public string Text(string variable) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Fixed * 1e3:G3} ms + {variable}·{PerUnit * 1e6:G3} µs (within {LargestError:P0}); ∝ {variable}^{Exponent:0.00} in the larger half");

    private static double ExponentOf(IReadOnlyList<(double Size, double Seconds)> points)
    {
        var x = points.Select(point => Math.Log(point.Size)).ToArray();
        var y = points.Select(point => Math.Log(point.Seconds)).ToArray();
        var (meanX, meanY) = (x.Average(), y.Average());
        return x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / x.Sum(a => (a - meanX) * (a - meanX));
    }
}

/// <summary>One measured size.</summary>
/// <param name="Size">The size.</param>
/// <param name="Seconds">Median over rounds.</param>
/// <param name="Low">Fastest round.</param>
/// <param name="High">Slowest round.</param>
internal sealed record GrowthPoint(double Size, double Seconds, double Low, double High);

/// <summary>One series with its law.</summary>
internal sealed record GrowthRow(string Name, string What, string Variable, IReadOnlyList<GrowthPoint> Points, GrowthFit Fit);

/// <summary>The file that <c>growth --json</c> writes.</summary>
internal sealed record GrowthTable(string Name, string Command, string? Commit, string Machine, DateTimeOffset Started, double Seconds, IReadOnlyList<GrowthRow> Rows);
