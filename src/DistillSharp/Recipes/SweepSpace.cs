using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Evaluation;
using DistillSharp.Methods;
using DistillSharp.Methods.Logits;
using DistillSharp.Runs;

namespace DistillSharp.Recipes;

/// <summary>Finds out which arm each key of a sweep's space belongs to, and where its values go in the recipe.</summary>
internal sealed class SweepSpace(Recipe recipe, SweepSection section, ConfigErrors errors)
{
    private const string Shared = "training.";
    private const string AllObjectives = "objectives.*.";

    /// <summary>Every arm with the settings that it tries.</summary>
    public IReadOnlyList<SweepArm> Arms()
    {
        if (recipe.Seeds.Count == 0)
        {
            return [];
        }

        if (section.Select is { } select && recipe.Metrics.Describe(select).Direction == MetricDirection.Neither)
        {
            errors.Add("sweep.select", $"`{section.Select}` is no metric that has a better and a worse; such as top1, nll or ece");
        }

        // What all arms try comes first, so that they try the same values of it.
        var space = (section.Space is null ? Default() : Given()).OrderBy(dimension => dimension.Key.StartsWith(Shared, StringComparison.Ordinal) ? 0 : 1).ToList();
        var arms = new List<SweepArm>();
        var used = new HashSet<string>();
        foreach (var name in Names(space))
        {
            var targets = space.Select(dimension => (Dimension: dimension, Target: Target(name, dimension.Key)!)).Where(entry => entry.Target is not null).ToList();
            used.UnionWith(targets.Select(entry => entry.Dimension.Key));
            targets = [.. targets.Where(entry => Reaches(name, entry.Dimension.Key, entry.Target, [.. targets.Select(each => each.Target)]))];
            if (targets.Count == 0)
            {
                errors.Add("sweep.space", $"{name} would try nothing, and the comparison would not be at equal tuning; name a key that all arms have, such as training.learning_rate");
                continue;
            }

            arms.Add(Arm(name, [.. targets.Select(entry => entry.Dimension)], targets.ToDictionary(entry => entry.Dimension.Key, entry => entry.Target)));
        }

        foreach (var dimension in space.Where(dimension => !used.Contains(dimension.Key)))
        {
            errors.Add($"sweep.space.{dimension.Key}", "belongs to no arm: " + Rule());
        }

        return arms;
    }

    private SweepArm Arm(string name, List<SweepDimension> space, Dictionary<string, string[]> targets)
    {
        var drawn = SweepSampler.Draw(section.Search, space, section.Trials, section.Seed);
        if (drawn.Count < section.Trials)
        {
            errors.Add("sweep.trials", $"{name} can try only {drawn.Count} different settings of {string.Join(", ", space.Select(dimension => dimension.Key))}, and every arm tries {section.Trials}: give a range or more values, or `trials: {drawn.Count}`");
        }

        return new SweepArm(name, [.. drawn.Select(values => space.Select((dimension, i) => KeyValuePair.Create(dimension.Key, values[i])).ToDictionary())]) { Targets = targets };
    }

    private IEnumerable<string> Names(List<SweepDimension> space)
    {
        if (recipe.Teacher is { Model: not null, Weights: null } && space.Any(dimension => Target(ArmNames.Teacher, dimension.Key) is not null))
        {
            yield return ArmNames.Teacher;
        }

        if (recipe.Baselines.Plain)
        {
            yield return ArmNames.Plain;
        }

        if (recipe.Baselines.LabelSmoothing > 0)
        {
            yield return ArmNames.LabelSmoothing;
        }

        foreach (var name in recipe.Objectives.Keys)
        {
            yield return name;
        }
    }

    private string Rule()
    {
        var objective = recipe.Source.Get("objective") is not null ? "objective." : $"objectives.{recipe.Objectives.Keys.FirstOrDefault("NAME")}.";
        return $"a key begins with {Shared} (all students), {objective} (that arm), {AllObjectives} (all of them that have it), teacher., or is baselines.label_smoothing";
    }

    // Null where the arm has no such key.
    private string[]? Target(string arm, string key)
    {
        if (arm == ArmNames.Teacher)
        {
            return key.StartsWith("teacher.", StringComparison.Ordinal) ? key.Split('.') : null;
        }

        if (!recipe.Objectives.ContainsKey(arm))
        {
            return key.StartsWith(Shared, StringComparison.Ordinal) ? ["baselines", "training", arm, .. key[Shared.Length..].Split('.')]
                : key == "baselines.label_smoothing" && arm == ArmNames.LabelSmoothing ? key.Split('.')
                : null;
        }

        var (path, node) = Objective(arm);
        if (key.StartsWith(Shared, StringComparison.Ordinal))
        {
            return key == "training.epochs" && node.Get("epochs") is not null ? [.. path, "epochs"] : [.. path, .. key.Split('.')];
        }

        var own = string.Join('.', path) + ".";
        if (key.StartsWith(own, StringComparison.Ordinal))
        {
            return [.. path, .. key[own.Length..].Split('.')];
        }

        if (!key.StartsWith(AllObjectives, StringComparison.Ordinal) || key[AllObjectives.Length..].Split('.') is not { } rest)
        {
            return null;
        }

        return Has(node, rest) ? [.. path, .. rest] : null;
    }

    // False where every stage of an arm has a value of its own, which stands before the objective's; a stage whose value nothing else tries is a fault.
    private bool Reaches(string arm, string key, string[] target, IReadOnlyList<string[]> all)
    {
        var own = StageKeys(arm, target).ToList();
        var missed = own.Where(stage => !all.Any(other => other.SequenceEqual(stage))).ToList();
        foreach (var stage in missed)
        {
            errors.Add($"sweep.space.{key}", $"does not reach a stage of {arm} that gives it itself; try {string.Join('.', stage)} as well, or leave it out of the stage");
        }

        return own.Count == 0 || missed.Count > 0 || own.Count < recipe.Objectives[arm].Stages.Count;
    }

    // The keys of stages that stand before a key of their objective's `training`.
    private IEnumerable<string[]> StageKeys(string arm, string[] target)
    {
        if (!recipe.Objectives.ContainsKey(arm))
        {
            return [];
        }

        var (path, node) = Objective(arm);
        return StageKeys(node, target[path.Length..]).Select(stage => (string[])[.. path, .. stage]);
    }

    /// <summary>The keys of an objective's stages that stand before a key of its <c>training</c>; all of them below the objective.</summary>
    internal static IEnumerable<string[]> StageKeys(ConfigNode objective, string[] target)
    {
        if (objective.Get("stages")?.Items is not { } stages || target is not ["training", _, ..])
        {
            yield break;
        }

        var keys = target[1..];
        for (var i = 0; i < stages.Count; i++)
        {
            string[] stage = ["stages", i.ToString(CultureInfo.InvariantCulture)];
            if (keys is ["epochs"] && stages[i].Get("epochs") is not null)
            {
                yield return [.. stage, "epochs"];
            }
            else if (stages[i].Get("training")?.Get(keys[0]) is not null)
            {
                yield return [.. stage, "training", .. keys];
            }
        }
    }

    private (string[] Path, ConfigNode Node) Objective(string arm) => recipe.Source.Get("objectives")?.Get(arm) is { } named
        ? (["objectives", arm], named)
        : (["objective"], recipe.Source.Get("objective")!);

    private static bool Has(ConfigNode? node, string[] keys)
    {
        foreach (var key in keys)
        {
            node = node?.Items is { } items ? int.TryParse(key, out var index) && index >= 0 && index < items.Count ? items[index] : null : node?.Get(key);
        }

        return node is not null;
    }

    private List<SweepDimension> Given()
    {
        if (section.Space!.Entries is not { Count: > 0 } entries)
        {
            errors.Add(section.Space, "must be a map of recipe keys, each with the values to try, such as `{training.learning_rate: 0.01..0.3}`");
            return [];
        }

        var binder = new ConfigBinder(errors);
        return [.. entries.Select(entry => SweepDimension.Read(entry.Key, entry.Value, binder)).OfType<SweepDimension>()];
    }

    private IEnumerable<SweepDimension> Default()
    {
        yield return Around(Shared + "learning_rate", recipe.Training.LearningRate, 5);
        if (recipe.Baselines.LabelSmoothing > 0)
        {
            yield return Around("baselines.label_smoothing", recipe.Baselines.LabelSmoothing, 2, 0.5);
        }

        foreach (var (arm, plan) in recipe.Objectives)
        {
            var (path, node) = Objective(arm);
            var stages = node.Get("stages")?.Items;
            for (var s = 0; s < plan.Stages.Count; s++)
            {
                var stage = string.Join('.', path) + (stages is null ? "" : string.Create(CultureInfo.InvariantCulture, $".stages.{s}"));
                if (stages?[s].Get("training")?.Get("learning_rate") is not null)
                {
                    yield return Around(stage + ".training.learning_rate", plan.Stages[s].Training.LearningRate, 5);
                }

                var terms = (stages is null ? node : stages[s]).Get("terms")?.Items ?? [];
                for (var t = 0; t < Math.Min(terms.Count, plan.Stages[s].Terms.Count); t++)
                {
                    var prefix = stage + string.Create(CultureInfo.InvariantCulture, $".terms.{t}.");
                    foreach (var dimension in OfTerm(prefix, terms[t], plan.Stages[s].Terms[t]))
                    {
                        yield return dimension;
                    }
                }
            }
        }
    }

    // Schedules are left as they are.
    private static IEnumerable<SweepDimension> OfTerm(string prefix, ConfigNode node, MethodPlan term)
    {
        if (ConfigBinder.OptionsOf(term.Options.GetType()).TryGetValue("temperature", out var property) && node.Get("temperature")?.Entries is null
            && term.Options is not LogitStandardizationOptions { HasTemperature: false })
        {
            var temperature = property.GetValue(term.Options) switch { double number => number, ValueSchedule schedule => schedule.From, _ => 0 };
            if (temperature > 0)
            {
                yield return Around(prefix + "temperature", temperature, 4);
            }
        }

        if (node.Get("weight")?.Entries is null && term.Weight.From > 0)
        {
            yield return Around(prefix + "weight", term.Weight.From, 4);
        }
    }

    private static SweepDimension Around(string key, double value, double factor, double most = double.PositiveInfinity) =>
        SweepDimension.Between(key, ThreeDigits(value / factor), ThreeDigits(Math.Min(most, value * factor)));

    private static double ThreeDigits(double value) => double.Parse(value.ToString("G3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
