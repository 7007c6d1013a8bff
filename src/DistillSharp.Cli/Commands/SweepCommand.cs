using System.CommandLine;
using System.Globalization;
using DistillSharp.Recipes;
using DistillSharp.Runs;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill sweep</c>: the same number of trials for every arm; the result is a recipe.</summary>
internal static class SweepCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML)" };
        var output = new Option<string?>("--output") { Description = "Folder of the sweep; runs/<name>-sweep-<date>-<time> by default" };
        var write = new Option<string?>("--write") { Description = "Also write the chosen recipe to this file, when the sweep ends or is resumed to its end" };
        var force = new Option<bool>("--force") { Description = "Overwrite the file of --write where it exists" };
        var trials = new Option<int?>("--trials") { Description = "Settings that every arm tries, instead of the recipe's sweep.trials (12)" };
        var search = new Option<string?>("--search") { Description = "low_discrepancy, random or grid" };
        var tries = new Option<string[]>("--try")
        {
            Description = "Values of a recipe key to try, such as training.learning_rate=0.01..0.3 or objective.terms.0.temperature=[1, 2, 4]; may be repeated",
            HelpName = "key=values",
            Arity = ArgumentArity.OneOrMore,
        };
        var (set, threads, device) = (CommonOptions.Set(), CommonOptions.Threads(), CommonOptions.Device());
        var (jobs, json, quiet, data, skip) = (CommonOptions.Jobs(), CommonOptions.Json(), CommonOptions.Quiet(), CommonOptions.DataFolder(), CommonOptions.SkipDoctor());
        var command = new Command(
            "sweep",
            """
            Find learning rate, temperature, weights and any other number of a recipe for every arm: as many trials for the plain and the
            label-smoothed student as for the distilled ones, on validation data alone. The result is a recipe for `distill run`.

            Examples:
              distill sweep recipe.yaml --trials 16 --jobs 2 --write recipe-tuned.yaml
              distill sweep recipe.yaml --try training.learning_rate=0.01..0.3 --try objective.terms.0.temperature=1..16
              distill resume runs/recipe-sweep-20260101-120000
            """)
        {
            recipe, output, write, force, trials, search, tries, set, threads, device, jobs, json, quiet, data, skip,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            string[] overrides =
            [
                .. CommonOptions.Overrides(parsed.GetValue(set), null, parsed.GetValue(threads), parsed.GetValue(device)),
                .. parsed.GetValue(trials) is { } count ? [string.Create(CultureInfo.InvariantCulture, $"sweep.trials={count}")] : Array.Empty<string>(),
                .. parsed.GetValue(search) is { } kind ? [$"sweep.search={kind}"] : Array.Empty<string>(),
                .. parsed.GetValue(tries) is { Length: > 0 } given ? [Space(given)] : Array.Empty<string>(),
            ];
            var reading = RecipeReader.ReadFile(parsed.GetValue(recipe)!, overrides);
            var directory = new RunDirectory(parsed.GetValue(output) ?? Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"{reading.Recipe.Name}-sweep-{DateTime.Now:yyyyMMdd-HHmmss}")));
            using var session = new SweepSession(reading.Recipe, directory, RunCommand.Show(parsed, json, quiet), parsed.GetValue(jobs), parsed.GetValue(data), !parsed.GetValue(skip));
            RunSession.Warn(reading.Warnings);
            return session.Run(isNew: true, parsed.GetValue(write), parsed.GetValue(force));
        }));
        return command;
    }

    // The options are a space of their own, in place of the recipe's.
    private static string Space(string[] tries)
    {
        var entries = new List<string>();
        foreach (var given in tries)
        {
            var split = given.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0 || split == given.Length - 1)
            {
                throw new UsageException($"--try `{given}` must have the form key=values, such as training.learning_rate=0.01..0.3");
            }

            entries.Add($"{given[..split].Trim()}: {given[(split + 1)..]}");
        }

        return $"sweep.space={{{string.Join(", ", entries)}}}";
    }
}
