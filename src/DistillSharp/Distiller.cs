using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>
/// Distillation without a recipe: networks and datasets in, a trained student and its metrics out. An
/// <see cref="Experiment"/> adds what a comparison needs: arms, seeds, baselines and a run directory.
/// </summary>
/// <param name="train">What networks are trained on.</param>
/// <param name="validation">What the trained network is measured on.</param>
public sealed class Distiller(Dataset train, Dataset validation)
{
    /// <summary>Mean and deviation that every input is normalised with; a student must see inputs as its teacher was trained on them.</summary>
    public Normalisation Normalisation { get; init; } = Normalisation.Of(train);

    /// <summary>Random changes of the training samples.</summary>
    public AugmentOptions Augment { get; init; } = new();

    /// <summary>Seed of order, augmentation, dropout and projectors. Initial weights are the caller's.</summary>
    public int Seed { get; init; }

    /// <summary>Where steps and epochs are reported; nowhere by default.</summary>
    public IRunEventSink Events { get; init; } = new SilentSink();

    /// <summary>
    /// Where checkpoints go, and where the same training goes on from if there are some; null for none. Each training needs a folder of its own:
    /// one of another, or a finished one of a network that began with other weights, is refused.
    /// </summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>A weighted term of a loss, for <see cref="Distill"/>.</summary>
    /// <param name="entry">The method, such as <c>SoftTarget.Entry</c>.</param>
    /// <param name="options">Its options, of the entry's options type.</param>
    /// <param name="weight">Factor of the term's mean.</param>
    /// <param name="features">Pairs of feature points, for methods that look at them.</param>
    /// <exception cref="ArgumentException">The options are another method's.</exception>
    public static MethodPlan Term(MethodEntry entry, object options, ValueSchedule weight, params IReadOnlyList<(string Student, string Teacher)> features) =>
        entry.OptionsType.IsInstanceOfType(options)
            ? new MethodPlan(entry, options, weight, [.. features.Select(pair => pair.Student)], [.. features.Select(pair => pair.Teacher)], entry.Name)
            : throw new ArgumentException($"`{entry.Name}` wants {entry.OptionsType.Name}, not {options.GetType().Name}", nameof(options));

    /// <summary>Trains a network on hard labels alone, such as a teacher or the undistilled student.</summary>
    /// <returns>Metrics on the validation samples.</returns>
    /// <exception cref="InvalidOperationException"><see cref="CheckpointFolder"/> holds checkpoints of another training.</exception>
    public IReadOnlyDictionary<string, double> Train(Network network, TrainingOptions training, CancellationToken cancellation = default) =>
        Run(network, null, [], 1, training, cancellation);

    /// <summary>Trains the student on the terms' mean losses and, times <paramref name="hardLabels"/>, the labels.</summary>
    /// <returns>Metrics on the validation samples.</returns>
    /// <exception cref="ArgumentException">No terms, two of one name, or a method that does not fit the networks or deploys layers of its own.</exception>
    /// <exception cref="InvalidOperationException"><see cref="CheckpointFolder"/> holds checkpoints of another training.</exception>
    public IReadOnlyDictionary<string, double> Distill(
        Network student, Network teacher, IReadOnlyList<MethodPlan> terms, TrainingOptions training, double hardLabels = 1, CancellationToken cancellation = default)
    {
        if (terms.Count == 0 || terms.DistinctBy(term => term.Name).Count() < terms.Count)
        {
            throw new ArgumentException("give at least one term, each with a name of its own (`term with { Name = … }`)", nameof(terms));
        }

        if (terms.FirstOrDefault(term => term.Entry.Traits.HasFlag(MethodTraits.Deploys)) is { } deployed)
        {
            throw new ArgumentException($"`{deployed.Entry.Name}` deploys layers of its own beside the student, which would be lost here; train it with a recipe ({nameof(Experiment)})", nameof(terms));
        }

        var (training0, before) = (teacher.training, WeightsHash.Of(teacher));
        try
        {
            var metrics = Run(student, teacher, terms, hardLabels, training, cancellation);
            return WeightsHash.Of(teacher) == before ? metrics : throw new InvalidOperationException("the teacher's weights changed in training");
        }
        finally
        {
            teacher.train(training0);
        }
    }

    /// <summary>Metrics of a network on any samples of the same shape: <c>top1</c>, <c>nll</c>, <c>ece</c> …</summary>
    public IReadOnlyDictionary<string, double> Evaluate(Network network, Dataset samples)
    {
        var split = Evaluator.Logits(network, new Loader(samples, new LoaderOptions { BatchSize = 256, Normalise = Normalisation }));
        return ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics;
    }

    private IReadOnlyDictionary<string, double> Run(
        Network student, Network? teacher, IReadOnlyList<MethodPlan> terms, double hardLabels, TrainingOptions training, CancellationToken cancellation)
    {
        if (training.Select == Selection.Best && CheckpointFolder is null)
        {
            throw new ArgumentException($"keeping the best epoch needs {nameof(CheckpointFolder)}", nameof(training));
        }

        var plan = new ObjectivePlan(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [new StagePlan("main", hardLabels, terms, null, training)]);
        var checkpoints = CheckpointFolder is null ? null : new CheckpointStore(
            CheckpointFolder, training.KeepCheckpoints, message => Events.Write(new NoteLogged("warning", message) { Time = TimeProvider.System.GetUtcNow() }));
        var owner = checkpoints is null ? null : CheckpointOwner.Claim(checkpoints, Settings(student, terms, hardLabels, training), CheckpointOwner.WeightsOf(student, teacher));
        var job = new TrainingJob(
            "student", Seed, plan, student, Batches,
            (stage, probe, source) => new OfflineTask(student, teacher, stage, probe, source),
            network => Evaluate(network, validation),
            checkpoints);
        var metrics = new Trainer(Events, TimeProvider.System).Run(job, cancellation).Validation;
        owner?.Finish();
        return metrics;
    }

    // What makes a training another one; how often it is saved does not.
    private List<string> Settings(Network student, IReadOnlyList<MethodPlan> terms, double hardLabels, TrainingOptions training) =>
    [
        "seed " + CheckpointOwner.Describe(Seed),
        "samples " + CheckpointOwner.Describe(train.Count),
        $"normalisation {CheckpointOwner.Describe(Normalisation.Mean)} {CheckpointOwner.Describe(Normalisation.Deviation)}",
        "augment " + CheckpointOwner.Describe(Augment),
        "student " + CheckpointOwner.ShapesOf(student),
        "hard_labels " + CheckpointOwner.Describe(hardLabels),
        "training " + CheckpointOwner.Describe(training with { KeepCheckpoints = 1, CheckpointEvery = 1, CheckpointSteps = 0 }),
        .. terms.Select(term => $"term {term.Name}: {term.Entry.Name} {CheckpointOwner.Describe(term.Options)} {CheckpointOwner.Describe(term.Weight)} {CheckpointOwner.Describe(term.StudentFeatures)} {CheckpointOwner.Describe(term.TeacherFeatures)}"),
    ];

    private Loader Batches(StagePlan stage) => new(train, new LoaderOptions
    {
        BatchSize = stage.Training.BatchSize,
        Shuffle = true,
        Seed = DerivedSeed.Of(Seed, "data"),
        Augment = stage.Training.Augment ?? Augment,
        Normalise = Normalisation,
    });
}
