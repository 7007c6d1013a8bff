using DistillSharp.Config;

namespace DistillSharp.Recipes;

/// <summary>What a recipe that tunes must keep to: every arm tries as many settings, and each of them can be trained.</summary>
internal sealed class TuningChecks(ConfigNode root, ConfigErrors errors, List<string> warnings)
{
    /// <summary>Reports a grid that is missing or empty, and where the comparison would not be at equal tuning.</summary>
    public void Check(TuningSection? tuning, IReadOnlyDictionary<string, IReadOnlyList<TuningCandidate>> objectives, IReadOnlyList<int> seeds)
    {
        if (tuning is null)
        {
            if (objectives.Count > 0)
            {
                errors.Add("tuning", $"missing; {string.Join(", ", objectives.Keys)} would be tuned and the plain student not: list as many settings for it to try, such as `tuning: {{learning_rate: [0.05, 0.1]}}`", root.Line);
            }

            return;
        }

        var trials = Math.Max(1, tuning.LearningRate.Count) * Math.Max(1, tuning.Epochs.Count);
        foreach (var (arm, candidates) in objectives.Where(entry => entry.Value.Count != trials))
        {
            warnings.Add($"{arm} tries {candidates.Count} settings and the plain student {trials}: the comparison is not at equal tuning");
        }

        if (tuning.LearningRate.Count == 0 && tuning.Epochs.Count == 0)
        {
            errors.Add(root.Get("tuning")!, "must list learning_rate, epochs or both to try");
        }

        if (seeds.Contains(tuning.Seed))
        {
            warnings.Add($"tuning.seed {tuning.Seed} is one of the table's seeds, so that seed's result was tuned on");
        }
    }

    /// <summary>Reports epochs of the grid that a warm-up has no room in: they take the place of those that were checked with the rest of <c>training</c>.</summary>
    public void CheckWarmUps(Recipe recipe)
    {
        if (root.Get("tuning")?.Get("epochs") is not { } epochs)
        {
            return;
        }

        foreach (var arm in Arms.Of(recipe))
        {
            var trained = arm.Candidates.SelectMany(candidate => candidate.Plan.Stages).Select(stage => stage.Training);
            foreach (var training in trained.Where(each => each.WarmUpEpochs > each.Epochs))
            {
                errors.Add(epochs, FormattableString.Invariant($"{arm.Name} would train a stage for {training.Epochs}, and its warm_up_epochs are {training.WarmUpEpochs}; try more epochs, or lower warm_up_epochs"));
            }
        }
    }
}
