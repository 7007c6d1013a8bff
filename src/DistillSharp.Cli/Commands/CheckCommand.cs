using System.CommandLine;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Recipes;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill check</c>: everything about a recipe that can be known without loading libtorch.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML)" };
        var (set, json) = (CommonOptions.Set(), CommonOptions.Json());
        var command = new Command(
            "check",
            """
            Check a recipe without training: every fault at once, with its path and what would be right.

            Example:
              distill check recipes/quickstart.yaml --set student.widths=[8]
            """)
        {
            recipe, set, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            try
            {
                return Print(RecipeReader.ReadFile(parsed.GetValue(recipe)!, parsed.GetValue(set)), parsed.GetValue(json));
            }
            catch (ConfigException error) when (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(new { ok = false, errors = error.Errors.Select(fault => new { path = fault.Path, value = fault.Value, message = fault.Message, line = fault.Line, overridden = fault.IsOverride }) }));
                return ExitCode.Usage;
            }
        }));
        return command;
    }

    private static int Print(RecipeReading reading, bool json)
    {
        var arms = Arms.Of(reading.Recipe);
        var jobs = arms.Sum(arm => arm.Seeds.Count);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { ok = true, arms = arms.Select(arm => arm.Name), jobs, warnings = reading.Warnings }));
            return ExitCode.Fine;
        }

        Console.Out.WriteLine($"{reading.Recipe.Name}: fine. {jobs} jobs: {string.Join(", ", arms.Select(Describe))}");
        foreach (var warning in reading.Warnings)
        {
            Console.Out.WriteLine("note: " + warning);
        }

        return ExitCode.Fine;
    }

    private static string Describe(ArmPlan arm) => arm.Ensemble is { } ensemble
        ? $"{arm.Name} (of {ensemble.Members.Count} networks × {Seeds(arm)})"
        : arm.IsStored ? $"{arm.Name} (a store)"
        : arm.Source is { } source ? $"{arm.Name} ({source.Noun})"
        : $"{arm.Name} ({arm.Plan.Epochs} epochs × {Seeds(arm)})";

    private static string Seeds(ArmPlan arm) => $"{arm.Seeds.Count} {(arm.Seeds.Count == 1 ? "seed" : "seeds")}";
}
