using System.Net;
using System.Text;
using static System.FormattableString;

namespace DistillSharp.Runs.Report;

/// <summary>A line of a chart: one thin line a seed and a thick one for their mean.</summary>
/// <param name="Name">Legend text.</param>
/// <param name="Color">Index of the palette.</param>
/// <param name="Seeds">Points of each seed: epoch and value.</param>
internal sealed record ChartLine(string Name, int Color, IReadOnlyList<IReadOnlyList<(double Epoch, double Value)>> Seeds);

/// <summary>Draws lines over epochs as SVG that takes its colours from the page.</summary>
internal static class LineChart
{
    /// <summary>Colours of the palette; further lines repeat them dashed.</summary>
    public const int Colors = 8;

    private const double Width = 360;
    private const double Height = 220;

    /// <summary>A figure with title, legend and chart.</summary>
    /// <param name="title">Caption.</param>
    /// <param name="lines">Lines; empty ones are skipped.</param>
    /// <param name="factor">What values are multiplied with on the axis: 100 for percent.</param>
    public static string Draw(string title, IReadOnlyList<ChartLine> lines, double factor = 1)
    {
        var drawn = lines.Where(line => line.Seeds.Any(seed => seed.Count > 0)).ToArray();
        var points = drawn.SelectMany(line => line.Seeds).SelectMany(seed => seed).ToArray();
        if (points.Length == 0)
        {
            return "";
        }

        var last = points.Max(point => point.Epoch);
        // The first tenth of training may leave the frame: it would flatten everything that comes after it.
        var framed = points.Where(point => point.Epoch > last * 0.1 || last <= 5).Select(point => point.Value).ToArray();
        var x = new Scale(Math.Min(1, points.Min(point => point.Epoch)), Math.Max(2, last), 44, Width - 10);
        var y = Scale.Over(framed, Height - 32, 8);
        var svg = new StringBuilder();
        svg.Append("<figure class=\"chart\"><figcaption>").Append(WebUtility.HtmlEncode(title)).Append("</figcaption>");
        if (drawn.Length > 1)
        {
            svg.Append("<ul class=\"legend\">");
            foreach (var line in drawn)
            {
                svg.Append(Invariant($"<li><span class=\"swatch c{line.Color % Colors}{Dash(line)}\"></span>{WebUtility.HtmlEncode(line.Name)}</li>"));
            }

            svg.Append("</ul>");
        }

        svg.Append(Invariant($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">"));
        AppendAxes(svg, x, y, factor);
        // An inner svg clips what leaves the frame, without ids that would have to be unique in the page.
        var frame = Invariant($"{x.Start:0.#} 4 {x.End - x.Start + 6:0.#} {Height - 36:0.#}").Split(' ');
        svg.Append(Invariant($"<svg x=\"{frame[0]}\" y=\"{frame[1]}\" width=\"{frame[2]}\" height=\"{frame[3]}\" viewBox=\"{string.Join(' ', frame)}\">"));
        foreach (var line in drawn)
        {
            foreach (var seed in line.Seeds.Where(seed => line.Seeds.Count > 1 && seed.Count > 0))
            {
                AppendPath(svg, seed, x, y, $"seed c{line.Color % Colors}");
            }

            var mean = Mean(line.Seeds);
            AppendPath(svg, mean, x, y, $"mean c{line.Color % Colors}{Dash(line)}");
            var (epoch, value) = mean[^1];
            svg.Append(Invariant($"<circle class=\"dot c{line.Color % Colors}\" cx=\"{x.At(epoch):0.#}\" cy=\"{y.At(value):0.#}\" r=\"3.5\"><title>{WebUtility.HtmlEncode(line.Name)}, epoch {epoch}: {value * factor:0.####}</title></circle>"));
        }

        return svg.Append("</svg></svg></figure>").ToString();
    }

    /// <summary>Mean over the seeds that have an epoch, by epoch.</summary>
    internal static (double Epoch, double Value)[] Mean(IReadOnlyList<IReadOnlyList<(double Epoch, double Value)>> seeds)
        => [.. seeds.SelectMany(seed => seed).GroupBy(point => point.Epoch).OrderBy(group => group.Key).Select(group => (group.Key, group.Average(point => point.Value)))];

    private static string Dash(ChartLine line) => line.Color >= Colors ? " dashed" : "";

    private static void AppendAxes(StringBuilder svg, Scale x, Scale y, double factor)
    {
        foreach (var (value, text) in y.Ticks(4, factor))
        {
            svg.Append(Invariant($"<line class=\"grid\" x1=\"{x.Start:0.#}\" x2=\"{x.End:0.#}\" y1=\"{y.At(value):0.#}\" y2=\"{y.At(value):0.#}\"/><text class=\"tick\" x=\"{x.Start - 6:0.#}\" y=\"{y.At(value) + 4:0.#}\" text-anchor=\"end\">{text}</text>"));
        }

        foreach (var (value, text) in x.Ticks(6).Where(tick => tick.Value == Math.Round(tick.Value)))
        {
            svg.Append(Invariant($"<text class=\"tick\" x=\"{x.At(value):0.#}\" y=\"{y.Start + 15:0.#}\" text-anchor=\"middle\">{text}</text>"));
        }

        svg.Append(Invariant($"<line class=\"axis\" x1=\"{x.Start:0.#}\" x2=\"{x.End:0.#}\" y1=\"{y.Start:0.#}\" y2=\"{y.Start:0.#}\"/><text class=\"tick\" x=\"{(x.Start + x.End) / 2:0.#}\" y=\"{y.Start + 29:0.#}\" text-anchor=\"middle\">epoch</text>"));
    }

    private static void AppendPath(StringBuilder svg, IReadOnlyList<(double Epoch, double Value)> points, Scale x, Scale y, string style)
    {
        // More points than a chart shows only make the file large.
        var stride = Math.Max(1, (points.Count + 149) / 150);
        svg.Append("<path class=\"").Append(style).Append("\" d=\"");
        for (var i = 0; i < points.Count; i++)
        {
            if (i % stride == 0 || i == points.Count - 1)
            {
                svg.Append(Invariant($"{(i == 0 ? 'M' : 'L')}{x.At(points[i].Epoch):0.#} {y.At(points[i].Value):0.#}"));
            }
        }

        svg.Append("\"/>");
    }
}
