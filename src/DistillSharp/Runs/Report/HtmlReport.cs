using System.Globalization;
using System.Net;
using System.Text;
using DistillSharp.Evaluation;
using static System.FormattableString;

namespace DistillSharp.Runs.Report;

/// <summary>Writes <c>report.html</c>: one file without scripts or links, for screens of any width, light and dark.</summary>
public static class HtmlReport
{
    /// <summary>Writes the report through a temporary file beside it.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, ReportContent content)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full + ".tmp", Render(content));
        File.Move(full + ".tmp", full, overwrite: true);
    }

    /// <summary>The report as HTML; every text in it is escaped.</summary>
    public static string Render(ReportContent content)
    {
        var results = content.Results;
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
            .Append(Escape(results.Name)).Append(" · DistillSharp</title><style>\n").Append(ReportStyle.Css).Append("\n</style></head><body><main>\n");
        AppendHead(html, results);
        AppendFindings(html, results, content.Metrics);
        AppendTable(html, "Truth table", TruthTable.Quality(results, content.Metrics));
        AppendSection(html, "What distillation changes", ReportCharts.Differences(results, content.Metrics) + ReportCharts.GapRecovery(results));
        AppendTable(html, "All differences", TruthTable.Differences(results, content.Metrics), folded: true);
        AppendTable(html, "Cost", TruthTable.Cost(results, content.Metrics));
        AppendSection(html, "Training", ReportCharts.Training(content), "Thick: mean over seeds; thin: single seeds. Losses are unweighted but for the total; the first tenth of training may leave the frame.");
        AppendSection(html, "Change by class against plain", ReportCharts.Classes(results), "Whiskers: paired 95 % intervals of each class by itself. Among many classes some will leave 0 out by chance.");
        AppendNotes(html, results);
        AppendRecipe(html, content.Recipe);
        AppendEnvironment(html, content);
        return html.Append("</main></body></html>\n").ToString();
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>Escaped text whose figures keep their % on the same line.</summary>
    private static string Prose(string text) => Escape(text).Replace(" %", "&nbsp;%", StringComparison.Ordinal);

    private static void AppendHead(StringBuilder html, RunResults results)
    {
        var gained = results.Differences.Where(difference => difference.Metric == results.PrimaryMetric && difference.Against == ArmNames.Plain && results.IsDistilled(difference.Arm)).Select(difference => difference.Verdict).ToHashSet();
        var verdict = gained.Contains(Verdicts.Gain) ? Verdicts.Gain : gained.Contains(Verdicts.Loss) ? Verdicts.Loss : "even";
        string?[] about = [results.Started?.UtcDateTime.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture) + (results.Started is null ? "" : " UTC"), results.Seconds > 0 ? Duration(results.Seconds) : null, results.Machine];
        html.Append("<h1>").Append(Escape(results.Name)).Append("</h1><p class=\"soft\">").AppendJoin(" · ", about.Where(part => !string.IsNullOrEmpty(part)).Select(part => Escape(part!))).Append("</p>");
        html.Append("<p class=\"headline ").Append(verdict).Append("\">").Append(Prose(VerdictText.Headline(results))).Append("</p>\n");
        if (results.Missing.Count > 0)
        {
            html.Append("<p class=\"warning\">This run is not complete. Without result so far: ").Append(Escape(string.Join(", ", results.Missing))).Append(".</p>\n");
        }
    }

    private static void AppendFindings(StringBuilder html, RunResults results, MetricCatalog catalog)
    {
        var findings = VerdictText.Findings(results, catalog);
        if (findings.Count == 0)
        {
            return;
        }

        html.Append("<ul class=\"findings\">");
        foreach (var finding in findings)
        {
            html.Append("<li><strong>").Append(Escape(finding.Arm)).Append("</strong>").Append(Badge(finding.Verdict)).Append("<p>").Append(Prose(finding.Text)).Append("</p></li>");
        }

        html.Append("</ul>");
        if (results.Differences.Any(difference => difference.McNemar.Length > 1))
        {
            html.Append("<p class=\"soft\">Verdicts follow the interval over seeds. McNemar's test pooled over seeds counts each test sample once a seed, which makes its p value too small.</p>");
        }

        html.Append('\n');
    }

    private static string Badge(string verdict)
    {
        var (style, sign) = verdict switch { Verdicts.Gain => (" gain", "▲ "), Verdicts.Loss => (" loss", "▼ "), _ => ("", "") };
        return $"<span class=\"badge{style}\">{sign}{Escape(verdict)}</span>";
    }

    /// <summary>A figure; its ± part stands below it where there is room for a table, and beside it on phones.</summary>
    private static string Figure(string text)
    {
        var at = text.IndexOf(" ± ", StringComparison.Ordinal);
        return at < 0 ? Prose(text) : $"<span>{Escape(text[..at])} <small>{Escape(text[(at + 1)..])}</small></span>";
    }

    private static void AppendTable(StringBuilder html, string heading, TruthTable table, bool folded = false)
    {
        if (table.Rows.Count == 0 || table.Columns.Count <= 2)
        {
            return;
        }

        html.Append(folded ? $"<details><summary>{heading} ({table.Rows.Count})</summary>" : $"<section><h2>{heading}</h2><p class=\"soft\">{Prose(table.Title)}.</p>").Append("<div class=\"scroll\"><table").Append(table.Columns.Count > 9 ? " class=\"wide\"" : "").Append("><thead><tr>");
        foreach (var column in table.Columns)
        {
            html.Append(column.IsText ? "<th class=\"text\">" : "<th>").Append(Prose(column.Heading)).Append("</th>");
        }

        html.Append("</tr></thead><tbody>");
        foreach (var row in table.Rows)
        {
            html.Append("<tr><th>").Append(Escape(row[0])).Append("</th>");
            for (var i = 1; i < row.Count; i++)
            {
                var isVerdict = row[i] is Verdicts.Gain or Verdicts.Loss or Verdicts.NoDifference or Verdicts.NotTested;
                var style = string.Join(' ', new[] { table.Columns[i].IsText ? "text" : "", row[i] == MetricFormat.Missing ? "none" : "" }.Where(name => name.Length > 0));
                html.Append("<td").Append(style.Length == 0 ? "" : $" class=\"{style}\"").Append(" data-label=\"").Append(Escape(table.Columns[i].Heading)).Append("\">").Append(isVerdict ? Badge(row[i]) : Figure(row[i])).Append("</td>");
            }

            html.Append("</tr>");
        }

        html.Append("</tbody></table></div>").Append(folded ? "</details>\n" : "</section>\n");
    }

    private static void AppendSection(StringBuilder html, string heading, string charts, string? note = null)
    {
        if (charts.Length > 0)
        {
            html.Append("<section><h2>").Append(heading).Append("</h2>").Append(note is null ? "" : $"<p class=\"soft\">{Prose(note)}</p>").Append("<div class=\"charts\">").Append(charts).Append("</div></section>\n");
        }
    }

    private static void AppendNotes(StringBuilder html, RunResults results)
    {
        if (results.Notes.Count > 0)
        {
            html.Append("<section><h2>Notes</h2><ul><li>").AppendJoin("</li><li>", results.Notes.Select(Prose)).Append("</li></ul></section>\n");
        }
    }

    private static void AppendRecipe(StringBuilder html, string recipe)
    {
        if (recipe.Length > 0)
        {
            html.Append("<section><h2>Recipe</h2><details><summary>The recipe of this run</summary><pre><code>").Append(Escape(recipe)).Append("</code></pre></details></section>\n");
        }
    }

    private static void AppendEnvironment(StringBuilder html, ReportContent content)
    {
        var (results, environment) = (content.Results, content.Environment);
        List<(string Name, string Value)> entries = [("command", results.Command), ("commit", results.Commit ?? environment?.Commit ?? "")];
        entries.AddRange(results.Data.Select(entry => (entry.Key, entry.Value)));
        if (environment is not null)
        {
            entries.AddRange([("processor", environment.Cpu), ("vector instructions", environment.VectorInstructions), ("cores", Invariant($"{environment.Cores}")), ("threads", environment.Threads is { } threads ? Invariant($"{threads}") : ""),
                ("memory", Invariant($"{environment.MemoryBytes / 1e9:0.#} GB")), ("system", environment.OperatingSystem), (".NET", environment.DotNet)]);
            entries.AddRange(environment.Packages.Select(package => (package.Key, package.Value)));
        }

        html.Append("<section><h2>How to repeat it</h2><dl>");
        foreach (var (name, value) in entries.Where(entry => entry.Value.Length > 0))
        {
            html.Append("<dt>").Append(Escape(name)).Append("</dt><dd>").Append(name is "command" or "commit" ? $"<code>{Escape(value)}</code>" : Escape(value)).Append("</dd>");
        }

        html.Append("</dl></section>\n");
    }

    private static string Duration(double seconds) => seconds < 120 ? Invariant($"{seconds:0} s") : seconds < 7200 ? Invariant($"{seconds / 60:0} min") : Invariant($"{seconds / 3600:0.0} h");
}
