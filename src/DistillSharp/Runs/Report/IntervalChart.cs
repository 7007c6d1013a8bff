using System.Net;
using System.Text;
using static System.FormattableString;

namespace DistillSharp.Runs.Report;

/// <summary>One row: a value with its interval.</summary>
/// <param name="Label">What it is.</param>
/// <param name="Text">Value and interval in words.</param>
/// <param name="Value">The value; null draws nothing but the label and text.</param>
/// <param name="Low">Lower end; null draws no interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="Verdict">Colours the row: <c>gain</c>, <c>loss</c> or anything else.</param>
internal sealed record IntervalRow(string Label, string Text, double? Value, double? Low, double? High, string Verdict);

/// <summary>Draws values with intervals along one axis as SVG.</summary>
internal static class IntervalChart
{
    private const double Width = 360;

    /// <summary>A figure with one row a value.</summary>
    /// <param name="title">Caption.</param>
    /// <param name="rows">Rows from top to bottom.</param>
    /// <param name="factor">What values are multiplied with on the axis: 100 for percent.</param>
    /// <param name="unit">Text below the axis.</param>
    /// <param name="marks">Values with a name that get a line of their own, 0 apart.</param>
    /// <param name="limits">Ends that the axis never passes; longer intervals end in an arrow.</param>
    /// <param name="compact">Labels beside the intervals and not above them.</param>
    public static string Draw(string title, IReadOnlyList<IntervalRow> rows, double factor, string unit, IReadOnlyList<(double Value, string Name)>? marks = null, (double Low, double High)? limits = null, bool compact = false)
    {
        if (rows.Count == 0)
        {
            return "";
        }

        marks ??= [(0, "")];
        var (rowHeight, top) = (compact ? 21.0 : 42.0, marks.Any(mark => mark.Name.Length > 0) ? 18.0 : 4.0);
        var values = rows.SelectMany(row => new[] { row.Value, row.Low, row.High }).OfType<double>().Concat(marks.Select(mark => mark.Value))
            .Select(value => limits is { } ends ? Math.Clamp(value, ends.Low, ends.High) : value).ToArray();
        var x = Scale.Over(values, compact ? 92 : 8, compact ? Width - 52 : Width - 8);
        var bottom = top + (rows.Count * rowHeight);
        var svg = new StringBuilder();
        svg.Append(Invariant($"<figure class=\"chart\"><figcaption>{WebUtility.HtmlEncode(title)}</figcaption><svg viewBox=\"0 0 {Width} {bottom + 34:0.#}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">"));
        foreach (var (value, text) in x.Ticks(compact ? 4 : 6, factor))
        {
            svg.Append(Invariant($"<line class=\"grid\" x1=\"{x.At(value):0.#}\" x2=\"{x.At(value):0.#}\" y1=\"{top:0.#}\" y2=\"{bottom:0.#}\"/><text class=\"tick\" x=\"{x.At(value):0.#}\" y=\"{bottom + 14:0.#}\" text-anchor=\"middle\">{text}</text>"));
        }

        foreach (var (value, name) in marks)
        {
            svg.Append(Invariant($"<line class=\"mark\" x1=\"{x.At(value):0.#}\" x2=\"{x.At(value):0.#}\" y1=\"{top:0.#}\" y2=\"{bottom:0.#}\"/><text class=\"tick\" x=\"{x.At(value):0.#}\" y=\"{top - 5:0.#}\" text-anchor=\"{Anchor(x.At(value))}\">{WebUtility.HtmlEncode(name)}</text>"));
        }

        for (var i = 0; i < rows.Count; i++)
        {
            AppendRow(svg, rows[i], x, top + (i * rowHeight), compact);
        }

        return svg.Append(Invariant($"<text class=\"tick\" x=\"{(x.Start + x.End) / 2:0.#}\" y=\"{bottom + 29:0.#}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(unit)}</text></svg></figure>")).ToString();
    }

    private static string Anchor(double position) => position < 60 ? "start" : position > Width - 60 ? "end" : "middle";

    private static void AppendRow(StringBuilder svg, IntervalRow row, Scale x, double top, bool compact)
    {
        var style = row.Verdict is "gain" or "loss" ? row.Verdict : "even";
        var middle = compact ? top + 11 : top + 29;
        var textLine = compact ? top + 15 : top + 14;
        svg.Append(Invariant($"<g class=\"{style}\"><title>{WebUtility.HtmlEncode(row.Label)}: {WebUtility.HtmlEncode(row.Text)}</title>"));
        svg.Append(compact
            ? Invariant($"<text class=\"label\" x=\"{x.Start - 8:0.#}\" y=\"{textLine:0.#}\" text-anchor=\"end\">{WebUtility.HtmlEncode(Shorten(row.Label, 13))}</text>")
            : Invariant($"<rect class=\"band\" x=\"0\" y=\"{top:0.#}\" width=\"{Width}\" height=\"18\"/><text class=\"label\" x=\"{x.Start:0.#}\" y=\"{textLine:0.#}\">{WebUtility.HtmlEncode(Shorten(row.Label, 24))}</text>"));
        svg.Append(Invariant($"<text class=\"value\" x=\"{(compact ? Width - 2 : x.End):0.#}\" y=\"{textLine:0.#}\" text-anchor=\"end\">{WebUtility.HtmlEncode(row.Text)}</text>"));
        if (row is { Low: { } low, High: { } high })
        {
            var (from, to) = (Math.Clamp(low, x.Low, x.High), Math.Clamp(high, x.Low, x.High));
            svg.Append(Invariant($"<line class=\"whisker\" x1=\"{x.At(from):0.#}\" x2=\"{x.At(to):0.#}\" y1=\"{middle:0.#}\" y2=\"{middle:0.#}\"/>"));
            svg.Append(End(x.At(from), middle, low < x.Low ? -1 : 0)).Append(End(x.At(to), middle, high > x.High ? 1 : 0));
        }

        if (row.Value is { } value && value >= x.Low && value <= x.High)
        {
            svg.Append(Invariant($"<circle class=\"point\" cx=\"{x.At(value):0.#}\" cy=\"{middle:0.#}\" r=\"{(compact ? 4 : 5)}\"/>"));
        }

        svg.Append("</g>");
    }

    /// <summary>A cap at the end of an interval, or an arrow (−1 left, 1 right) where it goes on.</summary>
    private static string End(double x, double y, int arrow) => arrow == 0
        ? Invariant($"<line class=\"whisker\" x1=\"{x:0.#}\" x2=\"{x:0.#}\" y1=\"{y - 4:0.#}\" y2=\"{y + 4:0.#}\"/>")
        : Invariant($"<path class=\"whisker\" d=\"M{x - (arrow * 6):0.#} {y - 5:0.#}L{x:0.#} {y:0.#}L{x - (arrow * 6):0.#} {y + 5:0.#}\"/>");

    private static string Shorten(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";
}
