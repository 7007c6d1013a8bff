using DistillSharp.Config;
using DistillSharp.Teachers;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>What a recipe that mixes samples (mixup, CutMix) must keep to: nothing may need one hard label, or one sample, behind an input.</summary>
internal sealed class MixingChecks(ConfigNode root, ConfigErrors errors)
{
    /// <summary>Reports schemes, terms and combinations of teachers that cannot work with mixed samples.</summary>
    public void Check(DataSection data, TeachersSection? teachers, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        foreach (var (name, plan) in objectives)
        {
            foreach (var stage in plan.Stages.Where(stage => (stage.Training.Augment ?? data.Augment).Mixes))
            {
                CheckStage(name, plan.Scheme.Entry, stage, teachers);
            }
        }
    }

    private void CheckStage(string objective, SchemeEntry scheme, StagePlan stage, TeachersSection? teachers)
    {
        if (!scheme.TakesMixedSamples)
        {
            Add($"mixes samples, and {objective} is trained by the scheme {scheme.Name}, which needs one hard label a sample");
            return;
        }

        foreach (var term in stage.Terms.Where(term => term.WhyNotMixed is not null))
        {
            Add($"mixes samples, and the term {term.Name} of {objective} {term.WhyNotMixed}");
        }

        if (stage.NeedsTeacher && teachers?.Combiner.Combine is Combination.ConfidenceWeighted or Combination.BestPerSample)
        {
            Add($"mixes samples, and teachers.combine: {ConfigBinder.SnakeCase(teachers.Combiner.Combine.ToString())} looks at one hard label a sample; mean_logits and mean_probabilities do not");
        }

        // The stage's own augmentation stands in the place of the data's.
        void Add(string message)
        {
            var path = stage.Training.Augment is not null ? "training.augment" : "data.augment";
            var node = root.Get(path.Split('.')[0])?.Get("augment");
            var which = (node?.Get("mixup") ?? node?.Get("cutmix"))?.Path ?? path;
            errors.Add(which, message + "; take mixup and cutmix off, here or by a training.augment of its own", node?.Line ?? root.Line);
        }
    }
}
