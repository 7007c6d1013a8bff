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

    /// <summary>The plan with another total of epochs; the last stage changes.</summary>
    public static ObjectivePlan WithEpochs(ObjectivePlan plan, int epochs)
    {
        var last = plan.Stages[^1];
        var earlier = plan.Epochs - last.Training.Epochs;
        return plan with { Stages = [.. plan.Stages.SkipLast(1), last with { Training = last.Training with { Epochs = Math.Max(1, epochs - earlier) } }] };
    }

    /// <summary>
    /// Every combination of an objective's own lists: keys below the objective (<c>terms.0.temperature</c>), each with its values.
    /// Faults are added to <paramref name="errors"/>.
    /// </summary>
    internal static IReadOnlyList<(Dictionary<string, string> Settings, ConfigNode Objective)> Combinations(ConfigNode objective, ConfigNode lists, ConfigErrors errors)
    {
        List<(Dictionary<string, string> Settings, ConfigNode Objective)> combinations = [([], objective)];
        foreach (var (key, values) in lists.Entries ?? new Dictionary<string, ConfigNode>())
        {
            if (values.Items is not { Count: > 0 } items || items.Any(item => item.Scalar is null))
            {
                errors.Add(values, "must be a list of values to try, such as [1, 2, 4]");
                continue;
            }

            combinations =
            [
                .. combinations.SelectMany(combination => items.Select(item => (
                    new Dictionary<string, string>(combination.Settings) { [key] = item.Scalar! },
                    YamlConfig.Override(combination.Objective, $"{key}={item.Scalar}", errors)))),
            ];
        }

        return combinations;
    }

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
            plan = WithEpochs(plan, count);
        }

        return new TuningCandidate(settings, plan);
    }
}
