using DistillSharp.Config;
using DistillSharp.Models;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>One arm of a run: what is trained, how, and with which seeds.</summary>
/// <param name="Name">Arm name.</param>
/// <param name="Plan">How it is trained; without stages for an ensemble or a file.</param>
/// <param name="IsTeacher">True where it is there for others to learn from and is not compared with the plain student.</param>
/// <param name="Seeds">Its seeds.</param>
/// <param name="Candidates">What its tuning tries; empty where it is not tuned.</param>
public sealed record ArmPlan(string Name, ObjectivePlan Plan, bool IsTeacher, IReadOnlyList<int> Seeds, IReadOnlyList<TuningCandidate> Candidates)
{
    /// <summary>Its network; null for an ensemble and for a file, which are measured and not trained.</summary>
    public ModelSpec? Model { get; init; }

    /// <summary>Safetensors file that the network starts from; null for a seeded random start.</summary>
    public string? Weights { get; init; }

    /// <summary>True where it learns with rounded numbers, and is measured as a file of eight-bit integers.</summary>
    public bool IsOfIntegers { get; init; }

    /// <summary>The arm that its terms learn from; null where they learn from none.</summary>
    public string? Teacher { get; init; }

    /// <summary>The arm whose outputs it learns as targets and whose layers it starts from, where its plan asks for these.</summary>
    public string Writer => Plan.TaughtBy ?? ArmNames.Teacher;

    /// <summary>What it is made of where it is several networks; null where it is one.</summary>
    public EnsemblePlan? Ensemble { get; init; }

    /// <summary>The file or endpoint that it is; null for a network and for an ensemble.</summary>
    public TeacherSourceOptions? Source { get; init; }

    /// <summary>Where its outputs are stored for those who learn from it; null where they are not. Without a network, a file and members the store is all there is.</summary>
    public StoreOptions? Store { get; init; }

    /// <summary>True where a store is all there is of it.</summary>
    public bool IsStored => Store is not null && Model is null && Source is null && Ensemble is null;

    /// <summary>True where it sees augmented samples in the fixed views whose teacher outputs are stored.</summary>
    public bool SeesFixedViews => !IsTeacher || Teacher is not null;

    /// <summary>What runs its forward passes while others learn from it.</summary>
    public TeacherEngine Engine { get; init; } = TeacherEngine.Torch;

    /// <summary>Arms of one seed and number start from the same weights.</summary>
    public int StartNumber { get; init; }

    /// <summary>True where it is trained on the whole training split though others see only a part.</summary>
    public bool SeesAllSamples { get; init; }

    /// <summary>False for an ensemble, a file, and a teacher whose weights are given.</summary>
    public bool IsTrained => Model is not null && !(IsTeacher && Weights is not null);

    /// <summary>The seed of this arm that serves another arm's seed: the same where it has that one, else its only one.</summary>
    public int SeedFor(int seed) => Seeds.Contains(seed) ? seed : Seeds[0];
}

/// <summary>An arm of several networks.</summary>
/// <param name="Members">Arms by the name that features call them.</param>
/// <param name="Combiner">How their logits become one.</param>
public sealed record EnsemblePlan(IReadOnlyDictionary<string, string> Members, CombinerOptions Combiner);

/// <summary>The arms that a recipe asks for.</summary>
public static class Arms
{
    /// <summary>
    /// All arms in an order in which each comes after those it needs: teachers, assistants, plain, label smoothing, objectives,
    /// compute-matched plain.
    /// </summary>
    public static IReadOnlyList<ArmPlan> Of(Recipe recipe)
    {
        var arms = TeacherArms.Of(recipe);
        if (recipe.Baselines.Plain)
        {
            arms.Add(Baseline(recipe, ArmNames.Plain, TrainingOf(recipe, ArmNames.Plain)));
        }

        if (recipe.Baselines.LabelSmoothing > 0)
        {
            var smoothed = TrainingOf(recipe, ArmNames.LabelSmoothing) with { LabelSmoothing = recipe.Baselines.LabelSmoothing };
            arms.Add(Baseline(recipe, ArmNames.LabelSmoothing, smoothed));
        }

        foreach (var (name, plan) in recipe.Objectives)
        {
            arms.AddRange(plan.Scheme.Options is BornAgainOptions options
                ? Generations(recipe, name, plan, options)
                : [Student(recipe, name, plan) with { Teacher = TeacherArms.LastBefore(recipe, plan) }]);
        }

        if (recipe.Baselines.ComputeMatched && recipe.Objectives.Count > 0)
        {
            arms.Add(Baseline(recipe, ArmNames.PlainMatched, TrainingOf(recipe, ArmNames.Plain)));
        }

        return arms;
    }

    /// <summary>
    /// The arms in waves: those of one wave need only earlier ones, and may run side by side. Students need the teacher even where
    /// they do not learn from it, since their agreement with it is measured.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<ArmPlan>> Waves(IReadOnlyList<ArmPlan> arms)
    {
        var waves = new Dictionary<string, int>();
        foreach (var arm in arms)
        {
            IEnumerable<string?> needs = [arm.Teacher, .. arm.Ensemble?.Members.Values ?? [], arm.IsTeacher ? null : ArmNames.Teacher];
            waves[arm.Name] = arm.Name == ArmNames.PlainMatched
                ? waves.Values.Max() + 1
                : needs.Select(name => name is not null && waves.TryGetValue(name, out var wave) ? wave + 1 : 0).Max();
        }

        return [.. arms.GroupBy(arm => waves[arm.Name]).OrderBy(wave => wave.Key).Select(wave => wave.ToList())];
    }

    /// <summary>The arm whose best seed is the run's student.</summary>
    public static string Exported(Recipe recipe) => recipe.Export.Arm ?? recipe.Objectives.Keys.FirstOrDefault() ?? ArmNames.Plain;

    /// <summary>A plan of hard labels alone.</summary>
    internal static ObjectivePlan HardLabels(TrainingOptions training) =>
        new(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [new StagePlan("main", ValueSchedule.Of(1), [], null, training)]);

    /// <summary>What the recipe's grid tries of a plan.</summary>
    internal static IReadOnlyList<TuningCandidate> Grid(Recipe recipe, ObjectivePlan plan) =>
        recipe.Tuning is { } section ? Tuning.Candidates(section, plan) : [];

    /// <summary>What an objective tries: its own list, or the grid.</summary>
    internal static IReadOnlyList<TuningCandidate> Candidates(Recipe recipe, string objective, ObjectivePlan plan) =>
        recipe.ObjectiveTuning.GetValueOrDefault(objective) ?? Grid(recipe, plan);

    private static ArmPlan Student(Recipe recipe, string name, ObjectivePlan plan) =>
        new(name, plan, false, recipe.Seeds, Candidates(recipe, name, plan))
        {
            Model = plan.Student ?? recipe.Student,
            Weights = plan.Student is null ? recipe.StudentWeights : null,
            IsOfIntegers = plan.Student is null ? recipe.QuantisesStudent : plan.QuantisesStudent,
        };

    private static ArmPlan Baseline(Recipe recipe, string name, TrainingOptions training) =>
        Student(recipe, name, HardLabels(training)) with { Candidates = Grid(recipe, HardLabels(training)) };

    private static TrainingOptions TrainingOf(Recipe recipe, string baseline) => recipe.BaselineTraining.GetValueOrDefault(baseline) ?? recipe.Training;

    // Every generation starts from weights of its own (Furlanello et al., section 3); the last has the objective's name.
    private static IEnumerable<ArmPlan> Generations(Recipe recipe, string name, ObjectivePlan plan, BornAgainOptions options)
    {
        var before = ArmNames.Plain;
        if (!recipe.Baselines.Plain)
        {
            before = $"{name}_0";
            yield return Baseline(recipe, before, TrainingOf(recipe, ArmNames.Plain));
        }

        var members = new OrderedDictionary<string, string>();
        for (var number = 1; number <= options.Generations; number++)
        {
            var own = number == options.Generations ? name : $"{name}_{number}";
            yield return Student(recipe, name, plan) with { Name = own, Teacher = before, StartNumber = number };
            members[$"generation{number}"] = own;
            before = own;
        }

        if (options.Ensemble)
        {
            var combiner = new CombinerOptions { Combine = Combination.MeanProbabilities, Temperature = 1 };
            yield return new ArmPlan($"{name}_ensemble", new ObjectivePlan(plan.Scheme, []), false, recipe.Seeds, []) { Ensemble = new EnsemblePlan(members, combiner) };
        }
    }
}
