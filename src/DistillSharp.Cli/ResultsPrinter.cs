using DistillSharp.Recipes;
using DistillSharp.Runs;
using Spectre.Console;

namespace DistillSharp.Cli;

/// <summary>Prints a run's tables and verdicts.</summary>
internal static class ResultsPrinter
{
    private const int NarrowestBoxedTable = 100;

    public static void Print(IAnsiConsole console, RunResults results)
    {
        var metrics = Catalogs.Default().Metrics;
        foreach (var table in new[] { TruthTable.Quality(results, metrics), TruthTable.Cost(results, metrics) })
        {
            PrintTable(console, table);
        }

        console.Profile.Out.Writer.WriteLine();
        console.Profile.Out.Writer.WriteLine(VerdictText.Headline(results));
        foreach (var finding in VerdictText.Findings(results, metrics))
        {
            console.Profile.Out.Writer.WriteLine($"  {finding.Arm}: {finding.Text}");
        }

        if (results.Missing.Count > 0)
        {
            console.Profile.Out.Writer.WriteLine($"  not finished (distill resume goes on): {string.Join(", ", results.Missing)}");
        }

        foreach (var note in results.Notes)
        {
            console.Profile.Out.Writer.WriteLine($"  note: {note}");
        }

        console.Profile.Out.Writer.WriteLine();
    }

    public static void PrintTable(IAnsiConsole console, TruthTable table)
    {
        console.Profile.Out.Writer.WriteLine();
        // Metrics down, arms across: it fits a terminal where arms down would not.
        var turned = table.Transposed();
        if (!console.Profile.Out.IsTerminal || console.Profile.Width < NarrowestBoxedTable / 2)
        {
            console.Profile.Out.Writer.Write(turned.ToText());
            return;
        }

        var boxed = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(table.Title));
        foreach (var column in turned.Columns)
        {
            var head = new Spectre.Console.TableColumn(Markup.Escape(column.Heading));
            boxed.AddColumn(column.IsText ? head : head.RightAligned());
        }

        foreach (var row in turned.Rows)
        {
            boxed.AddRow([.. row.Select(Markup.Escape)]);
        }

        console.Write(boxed);
    }
}
