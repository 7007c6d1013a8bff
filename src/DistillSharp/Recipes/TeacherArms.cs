using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>The arms that others learn from: the teacher or teachers, and assistants.</summary>
internal static class TeacherArms
{
    /// <summary>In an order in which each comes after those it needs.</summary>
    public static List<ArmPlan> Of(Recipe recipe)
    {
        var arms = new List<ArmPlan>();
        if (recipe.Teacher is { } teacher)
        {
            arms.Add(Teacher(recipe, ArmNames.Teacher, teacher, 0));
        }
        else if (recipe.Teachers is { } teachers)
        {
            arms.AddRange(teachers.Members.Select((member, i) => Teacher(recipe, ArmNames.MemberOf(member.Key), member.Value, i)));
            var seeds = teachers.Members.Values.Any(member => member.PerSeed) ? recipe.Seeds : [recipe.Seeds[0]];
            arms.Add(new ArmPlan(ArmNames.Teacher, new ObjectivePlan(Arms.HardLabels(recipe.Training).Scheme, []), true, seeds, [])
            {
                Store = teachers.Store,
                Ensemble = new EnsemblePlan(teachers.Members.Keys.ToDictionary(name => name, ArmNames.MemberOf), teachers.Combiner),
            });
        }

        foreach (var (name, plan) in recipe.Objectives)
        {
            arms.AddRange(Assistants(recipe, name, plan, arms.LastOrDefault(arm => arm.Name == ArmNames.Teacher)?.Seeds ?? recipe.Seeds));
        }

        return arms;
    }

    /// <summary>The arm that must be there before an objective's student: what its terms learn from, or the earlier student that teaches it; null for none.</summary>
    public static string? LastBefore(Recipe recipe, ObjectivePlan plan) =>
        plan.TaughtBy is { } earlier ? earlier
        : !plan.Stages.Any(stage => stage.NeedsTeacher) || !recipe.HasTeacher ? null
        : plan.Scheme.Options is TeacherAssistantOptions options ? options.NameOf(options.Assistants.Count - 1)
        : ArmNames.Teacher;

    private static ArmPlan Teacher(Recipe recipe, string name, TeacherSection teacher, int number)
    {
        // A teacher with given weights has nothing to tune, a file nothing to train.
        var plan = Arms.HardLabels(teacher.Training);
        plan = teacher.Model is not null ? plan : plan with { Stages = [] };
        var seeds = teacher.PerSeed ? recipe.Seeds : [teacher.Seed ?? recipe.Seeds[0]];
        return new ArmPlan(name, plan, true, seeds, recipe.Tuning is { Teacher: true } && teacher is { Weights: null, Model: not null } ? Arms.Grid(recipe, plan) : [])
        {
            Model = teacher.Model,
            Source = teacher.Source,
            Store = teacher.Store,
            Weights = teacher.Weights,
            Engine = teacher.Engine,
            StartNumber = number,
            SeesAllSamples = teacher.AllSamples,
        };
    }

    // One assistant a teacher: where one teacher serves all seeds, so does what stands between it and the student.
    private static IEnumerable<ArmPlan> Assistants(Recipe recipe, string objective, ObjectivePlan plan, IReadOnlyList<int> seeds)
    {
        if (plan.Scheme.Options is not TeacherAssistantOptions options)
        {
            yield break;
        }

        var teachers = recipe.Teachers?.Members.Count ?? 1;
        for (var i = 0; i < options.Assistants.Count; i++)
        {
            yield return new ArmPlan(options.NameOf(i), plan, true, seeds, Arms.Candidates(recipe, objective, plan))
            {
                Model = options.Assistants[i],
                Teacher = i == 0 ? ArmNames.Teacher : options.NameOf(i - 1),
                StartNumber = teachers + i,
                Engine = recipe.Teacher?.Engine ?? TeacherEngine.Auto,
            };
        }
    }
}
