using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistillSharp.Doctor;
using DistillSharp.Recipes;
using Spectre.Console;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill doctor</c>: what would make a run worthless, found in seconds.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML)" };
        var (set, threads, json, data) = (CommonOptions.Set(), CommonOptions.Threads(), CommonOptions.Json(), CommonOptions.DataFolder());
        var command = new Command(
            "doctor",
            """
            Look for what would make a run worthless before it is run, worst first, and say what to do: teacher, classes, inputs, features, learning
            rate, weights of terms, memory, time. `distill run` does this by itself.

            Example:
              distill doctor recipes/quickstart.yaml

            Exit codes: 0 no fault (there may be warnings), 1 a fault, 2 usage or recipe error.
            """)
        {
            recipe, set, threads, json, data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var overrides = CommonOptions.Overrides(parsed.GetValue(set), null, parsed.GetValue(threads), null);
            var reading = RecipeReader.ReadFile(parsed.GetValue(recipe)!, overrides);
            RunSession.Warn(reading.Warnings);
            var report = RecipeDoctor.Examine(reading.Recipe, parsed.GetValue(data));
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(Json(report));
            }
            else
            {
                Print(AnsiConsole.Console, report);
            }

            return report.HasFault ? ExitCode.Failed : ExitCode.Fine;
        }));
        return command;
    }

    /// <summary>One paragraph a finding: how grave, where, what, and what to do on a line of its own.</summary>
    public static void Print(IAnsiConsole console, DoctorReport report)
    {
        foreach (var finding in report.Findings)
        {
            var (word, colour) = finding.Severity switch
            {
                FindingSeverity.Fault => ("fault", "red"),
                FindingSeverity.Warning => ("warning", "yellow"),
                _ => ("note", "grey"),
            };
            // Past the console's own line breaks: a terminal breaks lines itself, and other programs want them whole.
            console.Markup($"[{colour}]{word}[/] [bold]{finding.Check}[/] ");
            console.Profile.Out.Writer.WriteLine($"{finding.Where}: {finding.What}");
            if (finding.Remedy.Length > 0)
            {
                console.Profile.Out.Writer.WriteLine("    " + finding.Remedy);
            }
        }

        var faults = report.Findings.Count(finding => finding.Severity == FindingSeverity.Fault);
        var warnings = report.Findings.Count(finding => finding.Severity == FindingSeverity.Warning);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{faults} faults, {warnings} warnings; examined in {report.Seconds:0.0} s"));
    }

    private static string Json(DoctorReport report) => JsonSerializer.Serialize(new
    {
        ok = !report.HasFault,
        seconds = report.Seconds,
        findings = report.Findings.Select(finding => new
        {
            severity = finding.Severity.ToString().ToLowerInvariant(),
            check = finding.Check,
            where = finding.Where,
            what = finding.What,
            remedy = finding.Remedy,
            postponed = finding.IsPostponed,
            // JSON has no numbers that are not finite.
            numbers = finding.Numbers.Where(entry => double.IsFinite(entry.Value)).ToDictionary(),
        }),
    });
}
