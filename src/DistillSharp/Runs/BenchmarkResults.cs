using System.Globalization;
using System.Text;
using DistillSharp.Evaluation;

namespace DistillSharp.Runs;

/// <summary>Measured tables as they are kept: <c>benchmarks/results/&lt;name&gt;.json</c>, and the same in Markdown.</summary>
public static class BenchmarkResults
{
    /// <summary>Writes <c>&lt;folder&gt;/&lt;name&gt;.json</c>, without the test labels, and returns its path.</summary>
    /// <exception cref="ArgumentException">The command that repeats the benchmark is missing.</exception>
    public static string Save(string folder, RunResults results)
    {
        if (string.IsNullOrWhiteSpace(results.Command))
        {
            throw new ArgumentException($"benchmark {results.Name} has no command; the file must say how to repeat it from a clean clone");
        }

        var path = Path.Combine(folder, results.Name + ".json");
        (results with { Labels = null }).Save(path);
        return path;
    }

    /// <summary>The results as a page of Markdown: verdicts, tables, notes and how to repeat them.</summary>
    public static string ToMarkdown(RunResults results, MetricCatalog? catalog = null)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"## {results.Name}\n\n{VerdictText.Headline(results)}\n\n");
        foreach (var table in new[] { TruthTable.Quality(results, catalog), TruthTable.Differences(results, catalog), TruthTable.Cost(results, catalog) })
        {
            if (table.Rows.Count > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"{table.Title}:\n\n{table.ToMarkdown()}\n");
            }
        }

        foreach (var finding in VerdictText.Findings(results, catalog))
        {
            text.Append(CultureInfo.InvariantCulture, $"- **{finding.Arm}**: {finding.Text}\n");
        }

        if (results.Missing.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"- Not finished: {string.Join(", ", results.Missing)}.\n");
        }

        foreach (var note in results.Notes)
        {
            text.Append(CultureInfo.InvariantCulture, $"- {note}\n");
        }

        var started = results.Started is { } start ? start.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC, " : "";
        string[] origin = [results.Command.Length == 0 ? "" : $"`{results.Command}`", $"{started}{MetricFormat.Value(new MetricEntry("", "", "", MetricUnit.Seconds, MetricDirection.Neither), results.Seconds)} s", results.Machine, results.Commit is null ? "" : "commit " + results.Commit];
        text.Append('\n').AppendJoin(" · ", origin.Where(part => part.Length > 0)).Append('\n');
        return text.ToString();
    }
}
