using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Signals;
using DistillSharp.Speech.Activity;
using DistillSharp.Speech.Corpora;
using DistillSharp.Text.Corpora;
using DistillSharp.Training;
using DistillSharp.Vision.Reading;

namespace DistillSharp;

/// <summary>What a network reached on the test split.</summary>
/// <param name="Metrics">Metrics by key.</param>
/// <param name="Predictions">Class of each test sample; empty where there are no classes.</param>
/// <param name="PerClass">Accuracy by class; empty where there are none.</param>
internal sealed record MeasuredNetwork(Dictionary<string, double> Metrics, int[] Predictions, double[] PerClass)
{
    /// <summary>Counts of each test sample for metrics that are functions of their sums, by metric key.</summary>
    public Dictionary<string, double[][]> Counts { get; init; } = [];
}

/// <summary>The data of a run and how networks are measured on it: a kind for each task.</summary>
internal abstract class RunData
{
    /// <summary>What the samples are.</summary>
    public abstract DatasetInfo Info { get; }

    /// <summary>Batches of the validation split.</summary>
    public abstract IBatchSource Validation { get; }

    /// <summary>Batches of the test split.</summary>
    public abstract IBatchSource Test { get; }

    /// <summary>Metric of validation by which weights, settings and the exported seed are chosen.</summary>
    public abstract string SelectionMetric { get; }

    /// <summary>Metric of testing that verdicts are about.</summary>
    public abstract string PrimaryMetric { get; }

    /// <summary>Memory that the samples take, in megabytes.</summary>
    public abstract double Megabytes { get; }

    /// <summary>What was noticed on reading the data, such as files that were left out.</summary>
    public virtual IReadOnlyList<string> Remarks => [];

    /// <summary>Classes of which students see no training sample.</summary>
    public virtual IReadOnlyList<int> LeftOut => [];

    /// <summary>Labels of the test split in its order; empty where there are no classes.</summary>
    public virtual int[] TestLabels => [];

    /// <summary>Mean and deviation of the training split; null where values are left as they are.</summary>
    public virtual Normalisation? Normalisation => null;

    /// <summary>Value that stored bytes are multiplied by.</summary>
    public virtual float Scale => 1;

    /// <summary>Smallest and largest number of the training split before normalisation; null where inputs are no images.</summary>
    public virtual (float Low, float High)? ValueRange => null;

    /// <summary>Reads and splits the data.</summary>
    public static RunData Load(Recipe recipe, string? folder) => recipe.Dataset.Entry.LoadDomain is not { } load
        ? ClassificationData.Load(recipe, folder)
        : load(recipe.Dataset.Options, new DataLocator(folder), new SplitRequest(recipe.Data.Validation, recipe.Data.SplitSeed, recipe.Data.TrainSamples)) switch
        {
            ParallelCorpus corpus => new TranslationData(recipe, corpus),
            SpeechCorpus corpus => new SpeechData(recipe, corpus),
            WordTextCorpus corpus => new WordReadingData(corpus),
            ActivityCorpus corpus => new ActivityData(corpus),
            var other => throw new NotSupportedException($"{recipe.Dataset.Entry.Name} gives {other.GetType().Name}, which no task is for"),
        };

    /// <summary>What the samples are to a model, which may cut them into tokens of its own.</summary>
    public virtual DatasetInfo InfoFor(ModelSpec model) => Info;

    /// <summary>Makes what an arm's training needs beside the data, where it is not there yet.</summary>
    public virtual void Prepare(ArmPlan arm, int seed, ArmNetworks networks, RunDirectory directory, Action<string> note, CancellationToken cancellation)
    {
    }

    /// <summary>False where an arm learns from what <see cref="Prepare"/> has not made: its batches then stand for those to come, and are not to be trained on.</summary>
    public virtual bool IsPrepared(ArmPlan arm, int seed) => true;

    /// <summary>Training batches of a stage of an arm: with unlabelled samples where it learns from a teacher.</summary>
    /// <param name="arm">Which samples it sees.</param>
    /// <param name="stage">Batch size.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <param name="partner">Which samples batches bring along.</param>
    /// <param name="fixedViews">True where augmented samples are seen in the views whose teacher outputs are stored, if any are.</param>
    public abstract IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner = BatchPartner.None, bool fixedViews = false);

    /// <summary>Metrics on the validation split, among them <see cref="SelectionMetric"/>.</summary>
    public abstract IReadOnlyDictionary<string, double> Validate(Network network);

    /// <summary>Metrics on the test split.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="folder">The job's folder, for outputs that are worth keeping.</param>
    public abstract MeasuredNetwork Measure(Network network, string folder);

    /// <summary>Metrics of a teacher that is no network of this library: on the validation split, and on the test split.</summary>
    public virtual (IReadOnlyDictionary<string, double> Validation, MeasuredNetwork Test) Measure(ISignalSource teacher) =>
        throw new NotSupportedException($"a teacher from elsewhere cannot be measured on {Info.Name}; its teacher is a `model` of this library");

    /// <summary>Metrics of a split, for looking at a network again.</summary>
    public abstract IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation);

    /// <summary>Adds to the metadata of weights, and writes beside them what they are of no use without.</summary>
    /// <exception cref="InvalidDataException">There it would replace what belongs to other weights.</exception>
    public virtual void Accompany(string weights, ModelSpec model, Dictionary<string, string> metadata)
    {
    }

    /// <summary>Refuses weights that were trained for data whose inputs or outputs mean something else; weights whose metadata does not tell pass.</summary>
    /// <param name="metadata">Metadata of the weights, as <see cref="Accompany"/> adds to it.</param>
    /// <param name="weights">Their file.</param>
    /// <exception cref="InvalidDataException">They were; says in what the two differ.</exception>
    public virtual void CheckWeights(IReadOnlyDictionary<string, string> metadata, string weights)
    {
    }

    /// <summary>Writes as ONNX what no description of layers can be written of, checks it, and keeps what was compared beside it; null, and nothing, by default.</summary>
    /// <param name="network">A network that does not describe itself.</param>
    /// <param name="path">The file; a network that is more than one graph is written beside it, as <c>.encoder.onnx</c> and <c>.decoder.onnx</c>.</param>
    /// <param name="metadata">Preprocessing and provenance, with what <see cref="Accompany"/> added.</param>
    /// <exception cref="ParityException">It differs from the live network.</exception>
    public virtual ParityResult? WriteOnnx(Network network, string path, Dictionary<string, string> metadata) => null;

    /// <summary>The students' training samples in their fixed views, as a teacher is shown them for a store.</summary>
    public virtual Loader StoredTraining() => throw NoStore();

    /// <summary>The samples of the validation or the test split, as a teacher is shown them for a store.</summary>
    public virtual Loader StoredSplit(StoredSplit split) => throw NoStore();

    /// <summary>What teachers' outputs for training samples depend on beside the teacher, by field. Sample ids count in the whole training set.</summary>
    public virtual Dictionary<string, string> StoreFields() => throw NoStore();

    /// <summary>The same for the validation or the test split.</summary>
    public virtual Dictionary<string, string> StoreFields(StoredSplit split) => throw NoStore();

    /// <summary>The sequences that an arm learns from a stored teacher, so many at a time, in batches that depend on no seed.</summary>
    public virtual IBatchSource StoredSequences(ArmPlan arm, int seed, int batchSize) => throw NoStore();

    /// <summary>Mean and deviation of the training split as it is stored.</summary>
    public virtual Normalisation Statistics() => throw NoStore();

    /// <summary>So many samples, spread evenly over the validation split or the training split, unchanged but for normalisation.</summary>
    public virtual IBatchSource Samples(bool validation, int count) => throw NoStore();

    /// <summary>What identifies data and splits.</summary>
    public abstract Dictionary<string, string> Fingerprint();

    /// <summary>Remembers the data of a run, and refuses to go on with other data, or without a file that is read once the teacher is trained.</summary>
    /// <exception cref="InvalidDataException">The data is not what the run began with.</exception>
    /// <exception cref="FileNotFoundException">Such a file is not there.</exception>
    public void CheckUnchanged(RunDirectory directory)
    {
        CheckLaterFiles();
        var now = Fingerprint();
        if (!File.Exists(directory.DataFile))
        {
            RunJson.Save(directory.DataFile, now);
            return;
        }

        var before = RunJson.Load<Dictionary<string, string>>(directory.DataFile);
        var changed = now.Keys.Where(key => before.GetValueOrDefault(key) != now[key]).ToList();
        if (changed.Count > 0)
        {
            throw new InvalidDataException($"the data changed since the run in {directory.Path} began ({string.Join(", ", changed)}); bring it back, or start a new run");
        }
    }

    /// <summary>Refuses to begin where a file is not there that <see cref="Prepare"/> will read.</summary>
    protected virtual void CheckLaterFiles()
    {
    }

    private NotSupportedException NoStore() => new($"{Info.Name} has no labelled samples with logits to store or to examine");
}

/// <summary>A split on which teachers are measured, and whose outputs are stored apart.</summary>
internal enum StoredSplit
{
    /// <summary>The validation split.</summary>
    Validation,

    /// <summary>The test split.</summary>
    Test,
}
