using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Methods.Logits;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>What a recipe with samples without labels should know: which terms read labels, and so learn nothing from those.</summary>
internal sealed class LabelChecks(List<string> warnings)
{
    /// <summary>Warns of such terms.</summary>
    public void Check(UnlabelledSpec? unlabelled, IReadOnlyDictionary<string, ObjectivePlan> objectives)
    {
        if (unlabelled is null)
        {
            return;
        }

        foreach (var (name, plan) in objectives)
        {
            foreach (var term in plan.Stages.SelectMany(stage => stage.Terms).Where(LearnsFromLabelsAlone).DistinctBy(term => term.Entry.Name))
            {
                var instead = term.Entry == DkdMethod.Entry ? ", unless `unlabelled: teacher_class` puts the teacher's class there" : "";
                warnings.Add($"{name}: {term.Entry.Name} reads labels and learns nothing from samples without{instead}");
            }
        }
    }

    private static bool LearnsFromLabelsAlone(MethodPlan term) =>
        term.ReadsLabels && !term.Entry.Traits.HasFlag(MethodTraits.UsesFeatures) && term.Options is not DkdOptions { TakesTeacherClass: true };
}
