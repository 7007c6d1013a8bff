using DistillSharp.Config;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>One arm of a sweep and the settings that it tries.</summary>
/// <param name="Name">The arm whose validation decides.</param>
/// <param name="Trials">Settings by the key that the recipe's space names, in the order of trials.</param>
public sealed record SweepArm(string Name, IReadOnlyList<Dictionary<string, string>> Trials)
{
    /// <summary>For every key of the space where its value goes in the recipe.</summary>
    internal IReadOnlyDictionary<string, string[]> Targets { get; init; } = new Dictionary<string, string[]>();
}

/// <summary>
/// What a sweep tries: every arm the same number of settings. A trial is the recipe with its settings written into it, so that whatever a recipe can
/// say can be tried, and what is best is a recipe.
/// </summary>
public sealed class SweepPlan
{
    private static readonly string[] Dropped = ["tuning"];

    private readonly Recipe _recipe;

    private SweepPlan(Recipe recipe, SweepSection section, IReadOnlyList<SweepArm> arms) => (_recipe, Section, Arms) = (recipe, section, arms);

    /// <summary>Number of trials, search and seed.</summary>
    public SweepSection Section { get; }

    /// <summary>Arms in the order of their trials: the teacher where it is tried, baselines, objectives.</summary>
    public IReadOnlyList<SweepArm> Arms { get; }

    /// <summary>The sweep of a recipe; where it gives no space, learning rate, temperatures and weights around their values.</summary>
    /// <exception cref="ConfigException">Something in the space cannot be tried; it holds every fault.</exception>
    public static SweepPlan Of(Recipe recipe)
    {
        var errors = new ConfigErrors();
        foreach (var (name, objective) in recipe.Objectives.Where(entry => entry.Value.TaughtBy is not null))
        {
            errors.Add($"objectives.{name}.taught_by", $"a sweep tries each objective by itself, and {name} needs the student of {objective.TaughtBy}; leave it out (`--set objectives.{name}=null`)", recipe.Source.Line);
        }

        var section = recipe.Sweep ?? new SweepSection();
        var arms = new SweepSpace(recipe, section, errors).Arms();
        errors.ThrowIfAny();
        var plan = new SweepPlan(recipe, section, arms);
        plan.CheckTrials();
        return plan;
    }

    /// <summary>The recipe with chosen settings of arms; it tunes nothing itself.</summary>
    /// <param name="chosen">Trials by arm, counted from 0.</param>
    /// <exception cref="ConfigException">A setting is no valid value of its key.</exception>
    public Recipe With(IReadOnlyDictionary<string, int> chosen)
    {
        var errors = new ConfigErrors();
        var root = WithoutTuning();
        foreach (var (name, trial) in chosen)
        {
            var arm = Arms.First(each => each.Name == name);
            foreach (var (key, value) in arm.Trials[trial])
            {
                root = YamlConfig.Set(root, arm.Targets[key], value, errors);
            }
        }

        errors.ThrowIfAny();
        return RecipeReader.Read(root, _recipe.Name, _recipe.Folder).Recipe;
    }

    /// <summary>
    /// The arms that a trial trains, each after those it needs; their names end in the trial's number, counted from 1. The last but for ensembles
    /// is the one that decides. Several only where it is a chain: its assistants or generations.
    /// </summary>
    /// <param name="name">The arm.</param>
    /// <param name="trial">The trial, counted from 0.</param>
    /// <param name="chosen">Finished arms' best trials; the teacher's and the plain student's count.</param>
    public IReadOnlyList<ArmPlan> TrialArms(string name, int trial, IReadOnlyDictionary<string, int> chosen)
    {
        var settings = new Dictionary<string, int> { [name] = trial };
        if (name != ArmNames.Teacher && chosen.TryGetValue(ArmNames.Teacher, out var teacher))
        {
            settings[ArmNames.Teacher] = teacher;
        }

        var recipe = With(settings);
        var own = Own(recipe, name);
        var names = own.Select(arm => arm.Name).ToHashSet();
        return
        [
            .. own.Select(arm => arm with
            {
                Name = NameOf(arm.Name, trial),
                Seeds = [Section.Seed],
                Plan = Section.Epochs is { } epochs && arm.Plan.Stages.Count > 0 ? Tuning.WithEpochs(arm.Plan, epochs) : arm.Plan,
                Teacher = arm.Teacher is not { } before ? null
                    : names.Contains(before) ? NameOf(before, trial)
                    : chosen.TryGetValue(before, out var best) && before != ArmNames.Teacher ? NameOf(before, best)
                    : before,
            }),
        ];
    }

    /// <summary>True where an arm's trials learn from the best trial of the plain student, which comes first then.</summary>
    public bool LearnsFromPlain(string name) => Own(_recipe, name).Any(arm => arm.Teacher == ArmNames.Plain);

    /// <summary>An arm's name in a trial: <c>plain/trial-03</c>.</summary>
    public static string NameOf(string arm, int trial) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{arm}/trial-{trial + 1:D2}");

    private static List<ArmPlan> Own(Recipe recipe, string name)
    {
        if (!recipe.Objectives.TryGetValue(name, out var plan))
        {
            return [.. Recipes.Arms.Of(recipe).Where(arm => arm.Name == name)];
        }

        var alone = recipe with { Objectives = new Dictionary<string, ObjectivePlan> { [name] = plan } };
        return [.. Recipes.Arms.Of(alone).Where(arm => !ArmNames.Known.Contains(arm.Name) && !ArmNames.IsTeacher(arm.Name) && arm.Ensemble is null)];
    }

    // What a sweep finds replaces what a run would tune.
    private ConfigNode WithoutTuning()
    {
        var root = Without(_recipe.Source, Dropped);
        var entries = new OrderedDictionary<string, ConfigNode>(root.Entries!);
        if (root.Get("objective") is { Entries: not null } single)
        {
            entries["objective"] = Without(single, Dropped);
        }

        if (root.Get("objectives") is { Entries: { } several } node)
        {
            entries["objectives"] = ConfigNode.Map(node.Path, new OrderedDictionary<string, ConfigNode>(several.Select(entry => KeyValuePair.Create(entry.Key, Without(entry.Value, Dropped)))), node.Line);
        }

        return ConfigNode.Map(root.Path, entries, root.Line);
    }

    private static ConfigNode Without(ConfigNode node, string[] keys) => node.Entries is not { } entries ? node
        : ConfigNode.Map(node.Path, new OrderedDictionary<string, ConfigNode>(entries.Where(entry => !keys.Contains(entry.Key))), node.Line);

    // Every trial is read before the first is trained: a value out of range is a mistake in the space.
    private void CheckTrials()
    {
        var faults = new List<ConfigError>();
        foreach (var arm in Arms)
        {
            for (var trial = 0; trial < arm.Trials.Count; trial++)
            {
                try
                {
                    With(new Dictionary<string, int> { [arm.Name] = trial });
                }
                catch (ConfigException error)
                {
                    var settings = string.Join(", ", arm.Trials[trial].Select(setting => $"{setting.Key} {setting.Value}"));
                    faults.AddRange(error.Errors.Select(fault => fault with { Message = $"{fault.Message} ({arm.Name} would try {settings})" }));
                }
            }
        }

        if (faults.Count > 0)
        {
            throw new ConfigException([.. faults.DistinctBy(fault => (fault.Path, fault.Value))]);
        }
    }
}
