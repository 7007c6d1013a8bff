using DistillSharp.Config;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>One arm of a run: what is trained, how, and with which seeds.</summary>
/// <param name="Name">Arm name.</param>
/// <param name="Plan">How it is trained.</param>
/// <param name="IsTeacher">True for the teacher itself.</param>
/// <param name="Seeds">Its seeds.</param>
/// <param name="Candidates">What its tuning tries; empty where it is not tuned.</param>
public sealed record ArmPlan(string Name, ObjectivePlan Plan, bool IsTeacher, IReadOnlyList<int> Seeds, IReadOnlyList<TuningCandidate> Candidates);

/// <summary>The arms that a recipe asks for.</summary>
public static class Arms
{
    /// <summary>All arms in the order they run: teacher, plain, label smoothing, objectives, compute-matched plain.</summary>
    public static IReadOnlyList<ArmPlan> Of(Recipe recipe)
    {
        var arms = new List<ArmPlan>();
        if (recipe.Teacher is { } teacher)
        {
            // A teacher with given weights has nothing to tune.
            var plan = HardLabels(teacher.Training);
            arms.Add(new ArmPlan(ArmNames.Teacher, plan, true, TeacherSeeds(recipe, teacher), recipe.Tuning is { Teacher: true } && teacher.Weights is null ? Grid(recipe, plan) : []));
        }

        if (recipe.Baselines.Plain)
        {
            arms.Add(Baseline(recipe, ArmNames.Plain, recipe.Training));
        }

        if (recipe.Baselines.LabelSmoothing > 0)
        {
            var smoothed = recipe.Training with { LabelSmoothing = recipe.Baselines.LabelSmoothing };
            arms.Add(Baseline(recipe, ArmNames.LabelSmoothing, smoothed));
        }

        arms.AddRange(recipe.Objectives.Select(objective => new ArmPlan(
            objective.Key, objective.Value, false, recipe.Seeds, recipe.ObjectiveTuning.GetValueOrDefault(objective.Key) ?? Grid(recipe, objective.Value))));
        if (recipe.Baselines.ComputeMatched && recipe.Objectives.Count > 0)
        {
            arms.Add(Baseline(recipe, ArmNames.PlainMatched, recipe.Training));
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

    private static ArmPlan Baseline(Recipe recipe, string name, TrainingOptions training) =>
        new(name, HardLabels(training), false, recipe.Seeds, Grid(recipe, HardLabels(training)));

    private static IReadOnlyList<TuningCandidate> Grid(Recipe recipe, ObjectivePlan plan) =>
        recipe.Tuning is { } section ? Tuning.Candidates(section, plan) : [];

    private static ObjectivePlan HardLabels(TrainingOptions training) =>
        new(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [new StagePlan("main", ValueSchedule.Of(1), [], null, training)]);
}
