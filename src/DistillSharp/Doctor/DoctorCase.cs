using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Training;
using TorchSharp;

namespace DistillSharp.Doctor;

/// <summary>
/// What is examined: a recipe with its data and networks. What several checks look at is computed once, and kept until the case is
/// disposed.
/// </summary>
public sealed class DoctorCase : IDisposable
{
    // Enough to tell a teacher from chance, few enough for a large one.
    private const int ValidationSamples = 256;
    private const int TrainingSamples = 128;

    private readonly Dictionary<(string Arm, bool Validation), SplitLogits> _logits = [];
    private readonly Dictionary<(string Arm, bool Stored), Teacher> _teachers = [];
    private readonly Dictionary<string, QuickTraining> _trainings = [];

    /// <summary>The recipe.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Its arms.</summary>
    public required IReadOnlyList<ArmPlan> Arms { get; init; }

    /// <summary>Shape and classes of the data.</summary>
    public required DatasetInfo Info { get; init; }

    /// <summary>True where every sample has one class; false for sequences.</summary>
    public required bool HasClasses { get; init; }

    /// <summary>Metrics of a network on the validation split.</summary>
    public required Func<Network, IReadOnlyDictionary<string, double>> Validate { get; init; }

    /// <summary>The one of them by which weights are chosen.</summary>
    public required string SelectionMetric { get; init; }

    /// <summary>How inputs are normalised; null where they are left as they are.</summary>
    public required Normalisation? Normalisation { get; init; }

    /// <summary>Mean and deviation of the training split before it is normalised.</summary>
    public required Func<Normalisation> Statistics { get; init; }

    /// <summary>Where networks live.</summary>
    public required torch.Device Device { get; init; }

    /// <summary>So many samples spread evenly over the validation split (or, for false, the training split), unchanged but for normalisation.</summary>
    public required Func<bool, int, IBatchSource> Samples { get; init; }

    /// <summary>Training batches of a stage as the arm's first seed sees them.</summary>
    public required Func<ArmPlan, StagePlan, IBatchSource> Source { get; init; }

    /// <summary>The network that the training of an arm's first seed starts from; the caller disposes it.</summary>
    public required Func<ArmPlan, Network> Create { get; init; }

    /// <summary>An arm as what teaches, of training samples or (for true) of the validation split: trained, or untrained where it has not been trained yet.</summary>
    public required Func<ArmPlan, bool, Teacher> Load { get; init; }

    /// <summary>Whether an arm's weights are there: given by the recipe, or trained in this run.</summary>
    public required Func<ArmPlan, bool> IsTrained { get; init; }

    /// <summary>True where the run goes on after this, and trains what is not trained.</summary>
    public bool InRun { get; init; }

    /// <summary>Memory that the samples take, in megabytes.</summary>
    public double DataMegabytes { get; init; }

    /// <summary>Memory that a process may take, in megabytes.</summary>
    public required double AvailableMegabytes { get; init; }

    /// <summary>The only arm whose learning is examined; null for all.</summary>
    public ArmPlan? Only { get; init; }

    /// <summary>Arms that learn from others whose weights are all there.</summary>
    public IEnumerable<ArmPlan> Learners => Arms.Where(arm => arm is { IsTrained: true, Teacher: not null } && (Only is null || arm.Name == Only.Name) && HasTrainedTeacher(arm));

    /// <summary>Teachers whose weights are there, members of several before what is made of them.</summary>
    public IEnumerable<ArmPlan> TrainedTeachers => Learners.Select(arm => Find(arm.Teacher!)).Concat(Only is null ? Arms.Where(arm => arm.IsTeacher) : [])
        .SelectMany(arm => Networks(arm).Append(arm)).Where(arm => Networks(arm).All(IsTrained)).DistinctBy(arm => arm.Name);

    /// <summary>Arms that are trained, each kind of cost once: no second baseline.</summary>
    public IEnumerable<ArmPlan> QuickArms => Arms.Where(arm => arm.IsTrained && arm.Name is not (ArmNames.LabelSmoothing or ArmNames.PlainMatched));

    /// <summary>The arm of a name.</summary>
    public ArmPlan Find(string name) => Arms.First(arm => arm.Name == name);

    /// <summary>True where everything that an arm learns from is trained.</summary>
    public bool HasTrainedTeacher(ArmPlan arm) => arm.Teacher is not { } name || Networks(Find(name)).All(IsTrained);

    /// <summary>True where a network that an arm learns from was trained in this run, so that it could not be examined before.</summary>
    public bool TrainedHere(ArmPlan arm) => arm.Teacher is { } name && Networks(Find(name)).Any(network => network.IsTrained);

    /// <summary>The arms that an arm is made of: itself, or its members.</summary>
    public IEnumerable<ArmPlan> Networks(ArmPlan arm) => arm.Ensemble is { } ensemble ? ensemble.Members.Values.Select(Find) : [arm];

    /// <summary>What an arm is as a teacher of training samples, or of the validation split; belongs to this case.</summary>
    public Teacher TeacherOf(ArmPlan arm, bool validation = false)
    {
        // Only a store tells the two apart.
        var stored = validation && Networks(arm).Append(arm).Any(each => each.IsStored);
        if (!_teachers.TryGetValue((arm.Name, stored), out var teacher))
        {
            _teachers[(arm.Name, stored)] = teacher = Load(arm, stored);
        }

        return teacher;
    }

    /// <summary>Up to so many samples of the validation split or the training split; the first training batch of an arm where samples are sequences.</summary>
    public Batch SomeSamples(ArmPlan arm, StagePlan stage, bool validation, int count) =>
        (HasClasses ? Samples(validation, count) : Source(arm, stage)).Epoch(0).First();

    /// <summary>An arm's logits on samples of the validation split, or of the training split.</summary>
    public SplitLogits Logits(ArmPlan arm, bool validation)
    {
        if (!_logits.TryGetValue((arm.Name, validation), out var logits))
        {
            using var source = TeacherOf(arm, validation).Open([]);
            _logits[(arm.Name, validation)] = logits = Evaluator.Logits(source, Samples(validation, validation ? ValidationSamples : TrainingSamples), Device);
        }

        return logits;
    }

    /// <summary>A few steps of an arm's training.</summary>
    internal QuickTraining Training(ArmPlan arm)
    {
        if (!_trainings.TryGetValue(arm.Name, out var training))
        {
            _trainings[arm.Name] = training = QuickTraining.Run(this, arm);
        }

        return training;
    }

    /// <summary>Multiply-adds of a network for one sample; its parameters where that cannot be counted.</summary>
    internal double MultiplyAdds(Network network)
    {
        try
        {
            if (network is INetworkGraph graph)
            {
                return MacCounter.Count(graph, Info);
            }
        }
        catch (NotSupportedException)
        {
            // Own modules cannot be counted; a guess will do.
        }

        return network.parameters().Sum(parameter => parameter.numel());
    }

    /// <summary>Path of the recipe's key that an arm comes from.</summary>
    public string PathOf(ArmPlan arm)
    {
        if (arm.IsTeacher)
        {
            return ArmNames.IsTeacher(arm.Name) ? Recipe.Teachers is null ? "teacher" : "teachers" + arm.Name[ArmNames.Teacher.Length..] : "scheme";
        }

        return Recipe.Objectives.ContainsKey(arm.Name)
            ? Recipe.Source.Get("objectives")?.Get(arm.Name) is null ? "objective" : $"objectives.{arm.Name}"
            : "student";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var teacher in _teachers.Values)
        {
            teacher.Dispose();
        }

        _teachers.Clear();
    }
}
