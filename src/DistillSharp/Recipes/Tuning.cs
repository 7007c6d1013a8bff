using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>Settings that an arm tries on validation data.</summary>
/// <param name="Settings">The recipe keys that differ, and their values.</param>
/// <param name="Plan">The arm's plan with them.</param>
public sealed record TuningCandidate(Dictionary<string, string> Settings, ObjectivePlan Plan);

/// <summary>What an arm tries: the recipe's grid, or an objective's own.</summary>
public static class Tuning
{
    /// <summary>
    /// Every combination of the recipe's grid, applied to a plan. The learning rate is that of every stage; epochs change the
    /// last stage, so that the total is the candidate's.
    /// </summary>
    public static IReadOnlyList<TuningCandidate> Candidates(TuningSection section, ObjectivePlan plan)
    {
        var rates = section.LearningRate.Count == 0 ? [null] : section.LearningRate.Select(rate => (double?)rate);
        var epochs = section.Epochs.Count == 0 ? [null] : section.Epochs.Select(count => (int?)count);
        return [.. rates.SelectMany(rate => epochs.Select(count => Candidate(plan, rate, count)))];
    }

    /// <summary>
    /// The plan with another total of epochs; the last stage changes. Its learning rate decays at the same fractions of it, and its warm-up is as long as
    /// before, where there is room for it.
    /// </summary>
    public static ObjectivePlan WithEpochs(ObjectivePlan plan, int epochs) =>
        WithLast(Stretched(plan, epochs), training => training with { WarmUpEpochs = Math.Min(training.WarmUpEpochs, training.Epochs) });

    /// <summary>
    /// Every combination of an objective's own lists: keys below the objective (<c>terms.0.temperature</c>), each with its values.
    /// Faults are added to <paramref name="errors"/>, such as keys that a trial would not notice.
    /// </summary>
    internal static IReadOnlyList<(Dictionary<string, string> Settings, ConfigNode Objective)> Combinations(ConfigNode objective, ConfigNode lists, ConfigErrors errors)
    {
        List<(Dictionary<string, string> Settings, ConfigNode Objective)> combinations = [([], objective)];
        var tried = (lists.Entries ?? new Dictionary<string, ConfigNode>()).Keys.Select(PathOf).ToList();
        foreach (var (key, values) in lists.Entries ?? new Dictionary<string, ConfigNode>())
        {
            if (values.Items is not { Count: > 0 } items || items.Any(item => item.Scalar is null))
            {
                errors.Add(values, "must be a list of values to try, such as [1, 2, 4]");
                continue;
            }

            if ((WhyNotTried(objective, key) ?? WhyUnread(objective, PathOf(key), tried)) is { } reason)
            {
                errors.Add(values, reason);
                continue;
            }

            combinations =
            [
                .. combinations.SelectMany(combination => items.Select(item => (
                    new Dictionary<string, string>(combination.Settings) { [key] = item.Scalar! },
                    YamlConfig.Override(combination.Objective, $"{key}={item.Scalar}", errors, item.Line)))),
            ];
        }

        return combinations;
    }

    // An arm's network and targets are made once, for all of its trials.
    private static string? WhyNotTried(ConfigNode objective, string key) => key.Split('.', '[')[0] switch
    {
        "targets" or "from_layers" or "student" => $"is the same in all trials of a run; `distill sweep` can try it, as {objective.PathOf(key)} of sweep.space",
        "name" or "tuning" => "changes nothing about training; leave it out",
        _ => null,
    };

    // A value that stands before a tried one, so that trials would not differ by it.
    private static string? WhyUnread(ConfigNode objective, string[] key, List<string[]> tried)
    {
        string[] owner = key is ["stages", var number, ..] ? ["stages", number] : [];
        if (key[owner.Length..] is ["training", "epochs"])
        {
            var node = owner.Length == 0 ? objective
                : int.TryParse(owner[1], out var index) ? objective.Get("stages")?.Items?.ElementAtOrDefault(index)
                : null;
            string[] epochs = [.. owner, "epochs"];
            if (node?.Get("epochs") is not null || tried.Any(other => other.SequenceEqual(epochs)))
            {
                return $"changes nothing, since `epochs` stands before training.epochs; try {string.Join('.', epochs)}";
            }
        }

        var own = SweepSpace.StageKeys(objective, key).ToList();
        return own.FirstOrDefault(stage => !tried.Any(other => other.SequenceEqual(stage))) is { } missed
            ? $"does not reach a stage that gives it itself; try {string.Join('.', missed)} as well, or leave it out of the stage"
            : own.Count > 0 && own.Count == objective.Get("stages")!.Items!.Count ? "reaches no stage, as each gives it itself; leave it out" : null;
    }

    // `terms[0].temperature` is terms.0.temperature.
    private static string[] PathOf(string key) => key.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');

    private static ObjectivePlan Stretched(ObjectivePlan plan, int epochs)
    {
        var before = plan.Stages[^1].Training.Epochs;
        var after = Math.Max(1, epochs - plan.Epochs + before);
        return after == before ? plan : WithLast(plan, training => training with
        {
            Epochs = after,
            StepEpochs = Math.Max(1, (int)Math.Round((double)training.StepEpochs * after / before)),
            Milestones = [.. training.Milestones.Select(milestone => milestone * after / before)],
        });
    }

    private static ObjectivePlan WithLast(ObjectivePlan plan, Func<TrainingOptions, TrainingOptions> change) =>
        plan with { Stages = [.. plan.Stages.SkipLast(1), plan.Stages[^1] with { Training = change(plan.Stages[^1].Training) }] };

    private static TuningCandidate Candidate(ObjectivePlan plan, double? rate, int? epochs)
    {
        var settings = new Dictionary<string, string>();
        if (rate is { } learningRate)
        {
            settings["learning_rate"] = learningRate.ToString(CultureInfo.InvariantCulture);
            plan = plan with { Stages = [.. plan.Stages.Select(stage => stage with { Training = stage.Training with { LearningRate = learningRate } })] };
        }

        if (epochs is { } count)
        {
            settings["epochs"] = count.ToString(CultureInfo.InvariantCulture);
            // A warm-up that does not fit is a fault of the recipe.
            plan = Stretched(plan, count);
        }

        return new TuningCandidate(settings, plan);
    }
}
