using DistillSharp.Config;
using DistillSharp.Export;
using DistillSharp.Methods;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Speech.Models;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Text.Models;
using DistillSharp.Text.Translation;
using DistillSharp.Training;
using TorchSharp;

namespace DistillSharp;

/// <summary>The networks of a run's arms: new ones to train, finished ones to teach.</summary>
internal sealed class ArmNetworks(IReadOnlyList<ArmPlan> arms, RunDirectory directory, RunData data, torch.Device device, int threads, Action<string>? note = null, CancellationToken cancellation = default)
{
    private readonly TeacherStores _stores = new(arms, data, device, note ?? (_ => { }), cancellation);

    private readonly TeacherEngines _engines = new(arms, directory, data, threads, note ?? (_ => { }));

    /// <summary>The arm of that name.</summary>
    public ArmPlan Find(string name) => arms.First(arm => arm.Name == name);

    /// <summary>The network that an arm's training starts from.</summary>
    public Network Create(ArmPlan arm, int seed) => Create(arm, seed, LoadNetwork);

    /// <summary>One like it for looking at: layers that it takes from a teacher are of an untrained one where that is not there.</summary>
    public Network CreateToExamine(ArmPlan arm, int seed) =>
        Create(arm, seed, (teacher, of) => IsThere(teacher, of) ? LoadNetwork(teacher, of) : CreateToExamine(teacher, teacher.SeedFor(of)));

    private Network Create(ArmPlan arm, int seed, Func<ArmPlan, int, Network> teacherOf)
    {
        // The same seed and number give the same initial weights in every arm.
        torch.random.manual_seed(DerivedSeed.Of(seed, arm.IsTeacher ? "teacher" : "student", arm.StartNumber));
        var network = arm.Model!.Create(data.InfoFor(arm.Model));
        if (arm.Weights is not null)
        {
            LoadInto(network, arm.Weights);
        }

        if (arm.Plan.FromLayers is { } layers)
        {
            using var teacher = teacherOf(Find(arm.Writer), seed);
            StartFrom(teacher, network, layers);
        }

        network.to(device);
        return network;
    }

    /// <summary>What teaches an arm with a seed; null where nothing does. The caller disposes it.</summary>
    public Teacher? TeacherOf(ArmPlan arm, int seed) =>
        arm.Teacher is { } name && arm.Plan.Stages.Any(stage => stage.NeedsTeacher) ? Load(Find(name), seed, combiner => combiner, teaches: true, student: arm) : null;

    /// <summary>Chooses the engines of what teaches an arm, where that has not been done in this run.</summary>
    public void ChooseEngines(ArmPlan arm)
    {
        if (arm.Teacher is { } name && arm.Plan.Stages.Any(stage => stage.NeedsTeacher) && Networks(Find(name)).Any(network => network.Model is not null && !_engines.HasChosen(network)))
        {
            // Without its store, which is of what the teacher may not have written yet.
            LoadItself(Find(name), arm.Seeds[0], combiner => combiner, teaches: true, split: null).Dispose();
        }
    }

    /// <summary>A finished arm as a source of signals that looks at no labels, for measuring it on a split.</summary>
    public Teacher LoadToMeasure(ArmPlan arm, int seed, StoredSplit split) => Load(arm, seed, combiner => combiner.WithoutLabels, teaches: false, split);

    /// <summary>What fills an arm's store with the outputs for training samples, or for a split.</summary>
    public StoreTeacher LoadToFill(ArmPlan arm, int seed, StoredSplit? split, IProgress<StoreProgress> progress) => split is { } measured
        ? _stores.Wrap(arm, Load(ToFill(arm), seed, combiner => combiner.WithoutLabels, teaches: true, measured), measured, progress)
        : _stores.Wrap(arm, Load(ToFill(arm), seed, combiner => combiner, teaches: true), progress);

    // Without its store, and with the engine that began to fill that.
    private ArmPlan ToFill(ArmPlan arm) => arm with { Store = null, Engine = _stores.EngineOf(arm) ?? arm.Engine };

    /// <summary>A finished arm for looking at it: with no store but one that is all there is, and untrained networks in the place of those that are not there.</summary>
    public Teacher LoadOrCreate(ArmPlan arm, int seed, StoredSplit? split) =>
        IsThere(arm, seed) ? Load(arm, seed, combiner => combiner.WithoutLabels, teaches: false, split)
        : arm.Ensemble is { } ensemble ? new EnsembleTeacher(ensemble.Members.ToDictionary(member => member.Key, member => LoadOrCreate(Find(member.Value), seed, split)), ensemble.Combiner.WithoutLabels)
        : new LiveTeacher(CreateToExamine(arm, arm.SeedFor(seed)), owned: true);

    /// <summary>True where all weights of an arm are there.</summary>
    public bool IsThere(ArmPlan arm, int seed) => Networks(arm).All(network => !network.IsTrained || ResultOf(network.Name, seed) is not null);

    /// <summary>The result of an arm that serves a seed; null where it has not finished.</summary>
    public JobResult? ResultOf(string name, int seed) =>
        directory.JobResultFile(name, Find(name).SeedFor(seed)) is var file && File.Exists(file) ? JobResult.Load(file) : null;

    /// <summary>SHA-256 of the file of an arm's teacher, of several in their order; null where it has none.</summary>
    public string? TeacherSha256(ArmPlan arm, int seed) => arm.Teacher is { } name && arm.Plan.Stages.Any(stage => stage.NeedsTeacher)
        ? string.Join(",", Networks(Find(name)).Select(network => Sha256(network, seed)))
        : null;

    /// <summary>SHA-256 of the weights of a finished arm.</summary>
    public string WeightsSha256(ArmPlan arm, int seed) => FileHash.Sha256(WeightsFile(arm, seed));

    // The same tokens stand for other texts in another vocabulary: shapes alone would fit.
    private void LoadInto(Network network, string weights)
    {
        using var file = new SafetensorsFile(weights);
        if (network.Sequence is { } tokens)
        {
            TranslationFiles.CheckVocabulary(tokens, file.Metadata, weights);
        }

        data.CheckWeights(file.Metadata, weights);
        file.LoadInto(network);
    }

    private static void StartFrom(Network teacher, Network student, FromLayersOptions layers)
    {
        switch (teacher, student)
        {
            case (TransformerModel whole, TransformerModel part):
                LayerStart.Copy(whole, part, layers);
                break;
            case (CtcNetwork whole, CtcNetwork part):
                SpeechLayerStart.Copy(whole, part, layers);
                break;
            case (SpeechTransformer whole, SpeechTransformer part):
                SpeechLayerStart.Copy(whole, part, layers);
                break;
            default:
                throw new ArgumentException($"from_layers copies layers of one transformer, or one network of speech, to another, not of {teacher.GetName()} to {student.GetName()}");
        }
    }

    private string Sha256(ArmPlan arm, int seed)
    {
        if (arm.IsStored)
        {
            return StoreManifest.Load(arm.Store!.Path).Key[StoreManifest.TeacherField];
        }

        if (arm.Source is null)
        {
            return FileHash.Sha256(WeightsFile(arm, seed));
        }

        using var teacher = arm.Source.Open(data.Info, data.Normalisation);
        return teacher.Fingerprint();
    }

    /// <summary>The arms that an arm is made of: itself, or its members.</summary>
    public IEnumerable<ArmPlan> Networks(ArmPlan arm) => arm.Ensemble is { } ensemble ? ensemble.Members.Values.Select(Find) : [arm];

    /// <summary>The network of a finished arm as it is deployed, with its kept weights, in evaluation mode.</summary>
    public Network LoadNetwork(ArmPlan arm, int seed)
    {
        var student = arm.Model!.Create(data.InfoFor(arm.Model));
        student.to(device);
        var network = arm.IsTrained && arm.Plan.Stages[^1].Terms.Any(term => term.Entry.Traits.HasFlag(MethodTraits.Deploys)) ? WithDeployedLayers(arm, student, seed) : student;
        LoadInto(network, WeightsFile(arm, seed));
        MemoryFormats.Apply(network, MemoryFormat.ChannelsLast);
        network.eval();
        return network;
    }

    // Of the teacher only the shapes matter here: all weights come from the arm's file. The layers are as wide as the settings that tuning chose say.
    private Network WithDeployedLayers(ArmPlan arm, Network student, int seed)
    {
        var plan = ArmTuning.Chosen(arm, directory)?.Plan ?? arm.Plan;
        var stage = plan.Stages[^1];
        using var teacher = Load(Find(arm.Teacher!), seed, combiner => combiner, teaches: false);
        using var batch = data.Validation.Epoch(0).First();
        using var probe = batch.To(device);
        using var task = plan.Scheme.Entry.CreateTask(plan.Scheme.Options, new TaskContext(student, arm.Model!, teacher, stage, probe, data.Source(arm, stage, seed)));
        return task.TakeDeployed() ?? student;
    }

    private string WeightsFile(ArmPlan arm, int seed) => arm.IsTrained ? directory.WeightsFile(arm.Name, arm.SeedFor(seed)) : arm.Weights!;

    private Teacher Load(ArmPlan arm, int seed, Func<CombinerOptions, CombinerOptions> combiner, bool teaches, StoredSplit? split = null, ArmPlan? student = null)
    {
        if (arm.IsStored)
        {
            return split is { } measured ? _stores.Wrap(arm, null, measured) : _stores.Wrap(arm, null);
        }

        var teacher = LoadItself(arm, seed, combiner, teaches, split);
        if (teaches && arm.Store is not null && split is { } part)
        {
            return _stores.Wrap(arm, teacher, part);
        }

        return !teaches || arm.Store is null ? teacher
            : student is not null && data.Info.Sequence is not null ? _stores.Wrap(arm, teacher, student, seed)
            : _stores.Wrap(arm, teacher);
    }

    private Teacher LoadItself(ArmPlan arm, int seed, Func<CombinerOptions, CombinerOptions> combiner, bool teaches, StoredSplit? split)
    {
        if (arm.Ensemble is { } ensemble)
        {
            var members = new OrderedDictionary<string, Teacher>();
            foreach (var (name, member) in ensemble.Members)
            {
                members[name] = Load(Find(member), seed, combiner, teaches, split);
            }

            return new EnsembleTeacher(members, combiner(ensemble.Combiner));
        }

        if (arm.Source is { } source)
        {
            return source.Open(data.Info, data.Normalisation, threads, device);
        }

        var network = LoadNetwork(arm, seed);
        foreach (var parameter in network.parameters())
        {
            parameter.requires_grad = false;
        }

        return teaches && (_stores.EngineOf(arm) ?? _engines.Of(arm, network)) == TeacherEngine.Onnxruntime
            ? new ExportedTeacher(network, data.Info, threads, owned: true)
            : new LiveTeacher(network, owned: true);
    }
}
