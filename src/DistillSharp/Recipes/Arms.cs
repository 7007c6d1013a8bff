using DistillSharp.Config;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>One arm of a run: what is trained, how, and with which seeds.</summary>
/// <param name="Name">Arm name.</param>
/// <param name="Plan">How it is trained.</param>
/// <param name="IsTeacher">True for the teacher itself.</param>
/// <param name="Seeds">Its seeds.</param>
public sealed record ArmPlan(string Name, ObjectivePlan Plan, bool IsTeacher, IReadOnlyList<int> Seeds);

/// <summary>The arms that a recipe asks for.</summary>
public static class Arms
{
    /// <summary>All arms in the order they run: teacher, plain, label smoothing, objectives, compute-matched plain.</summary>
    public static IReadOnlyList<ArmPlan> Of(Recipe recipe)
    {
        var arms = new List<ArmPlan>();
        if (recipe.Teacher is { } teacher)
        {
            arms.Add(new ArmPlan(ArmNames.Teacher, HardLabels(teacher.Training), true, TeacherSeeds(recipe, teacher)));
        }

        if (recipe.Baselines.Plain)
        {
            arms.Add(new ArmPlan(ArmNames.Plain, HardLabels(recipe.Training), false, recipe.Seeds));
        }

        if (recipe.Baselines.LabelSmoothing > 0)
        {
            var smoothed = recipe.Training with { LabelSmoothing = recipe.Baselines.LabelSmoothing };
            arms.Add(new ArmPlan(ArmNames.LabelSmoothing, HardLabels(smoothed), false, recipe.Seeds));
        }

        arms.AddRange(recipe.Objectives.Select(objective => new ArmPlan(objective.Key, objective.Value, false, recipe.Seeds)));
        if (recipe.Baselines.ComputeMatched && recipe.Objectives.Count > 0)
        {
            arms.Add(new ArmPlan(ArmNames.PlainMatched, HardLabels(recipe.Training), false, recipe.Seeds));
        }

        return arms;
    }

    /// <summary>The seed of the teacher that teaches students of a seed.</summary>
    public static int TeacherSeed(Recipe recipe, int studentSeed) =>
        recipe.Teacher!.PerSeed ? studentSeed : recipe.Teacher.Seed ?? recipe.Seeds[0];

    /// <summary>The arm whose best seed is the run's student.</summary>
    public static string Exported(Recipe recipe) => recipe.Export.Arm ?? recipe.Objectives.Keys.FirstOrDefault() ?? ArmNames.Plain;

    private static IReadOnlyList<int> TeacherSeeds(Recipe recipe, TeacherSection teacher) =>
        teacher.PerSeed ? recipe.Seeds : [TeacherSeed(recipe, recipe.Seeds[0])];

    private static ObjectivePlan HardLabels(TrainingOptions training) =>
        new(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [new StagePlan("main", ValueSchedule.Of(1), [], null, training)]);
}
