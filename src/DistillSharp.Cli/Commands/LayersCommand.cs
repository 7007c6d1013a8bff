using System.CommandLine;
using System.Text.Json;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using Spectre.Console;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill layers</c>: where methods may look in a recipe's networks, and which points fit together.</summary>
internal static class LayersCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML)" };
        var (set, json, data) = (CommonOptions.Set(), CommonOptions.Json(), CommonOptions.DataFolder());
        var command = new Command(
            "layers",
            """
            Show the feature points of a recipe's networks with their shapes, and which of the teacher's goes with each of the student's.

            Example:
              distill layers recipes/quickstart.yaml
            """)
        {
            recipe, set, json, data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var report = LayerReport.Of(RecipeReader.ReadFile(parsed.GetValue(recipe)!, parsed.GetValue(set)).Recipe, parsed.GetValue(data));
            if (parsed.GetValue(json))
            {
                object Layers(IReadOnlyList<LayerShape> layers) => layers.Select(layer => new { name = layer.Name, shape = layer.Shape });
                Console.Out.WriteLine(JsonSerializer.Serialize(new
                {
                    student = Layers(report.Student),
                    teacher = Layers(report.Teacher),
                    pairs = report.Pairs.Select(pair => new { student = pair.Student.Name, teacher = pair.Teacher.Name }),
                }));
                return ExitCode.Fine;
            }

            Print(report);
            return ExitCode.Fine;
        }));
        return command;
    }

    private static void Print(LayerReport report)
    {
        var partners = report.Pairs.ToDictionary(pair => pair.Student.Name, pair => pair.Teacher);
        Table("student", report.Student, layer => partners.GetValueOrDefault(layer.Name) is { } partner ? $"{partner.Name} {Shape(partner)}" : "–", report.Teacher.Count > 0);
        if (report.Teacher.Count == 0)
        {
            return;
        }

        Table("teacher", report.Teacher, _ => "", false);
        var stages = FeaturePairing.Stages(report.Pairs);
        if (stages.Count > 0)
        {
            Console.Out.WriteLine("One pair a resolution, for methods that compare stages:");
            Console.Out.WriteLine($"  student: [{string.Join(", ", stages.Select(pair => pair.Student.Name))}], teacher: [{string.Join(", ", stages.Select(pair => pair.Teacher.Name))}]");
        }
    }

    private static void Table(string title, IReadOnlyList<LayerShape> layers, Func<LayerShape, string> partner, bool paired)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(title).AddColumn("shape of a sample");
        if (paired)
        {
            table.AddColumn("goes with the teacher's");
        }

        foreach (var layer in layers)
        {
            table.AddRow([Markup.Escape(layer.Name), Shape(layer), .. paired ? [Markup.Escape(partner(layer))] : Array.Empty<string>()]);
        }

        AnsiConsole.Write(table);
    }

    private static string Shape(LayerShape layer) => string.Join(" × ", layer.Shape);
}
