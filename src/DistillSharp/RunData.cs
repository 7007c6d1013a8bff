using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>The data of a run: its splits, and batches of them as a stage wants them.</summary>
internal sealed class RunData
{
    private readonly DataSplits _splits;
    private readonly Dataset _teacherTrain;
    private readonly Dataset? _withUnlabelled;
    private readonly Recipe _recipe;
    private readonly Lazy<string> _wholeSha256;

    private RunData(Recipe recipe, IReadOnlyList<string> remarks, Dataset whole, DataSplits splits, Dataset teacherTrain, Dataset? unlabelled)
    {
        _withUnlabelled = unlabelled is null ? null : splits.Train.WithUnlabelled(unlabelled);
        _wholeSha256 = new Lazy<string>(() => recipe.Unlabelled is null || recipe.Unlabelled == UnlabelledSpec.Rest ? whole.Sha256() : $"{whole.Sha256()}+{unlabelled!.Sha256()}");
        _teacherTrain = teacherTrain;
        _recipe = recipe;
        Remarks = remarks;
        _splits = splits;
        Normalisation = recipe.Data.Normalise ? recipe.Data.Given ?? Normalisation.Of(splits.Train) : null;
        Validation = Evaluation(splits.Validation);
        Test = Evaluation(splits.Test);
        LeftOut = DataSplits.LabelsOf(recipe.Data.LeaveOut, Info);
        TestLabels = [.. Enumerable.Range(0, splits.Test.Count).Select(splits.Test.Label)];
    }

    /// <summary>What was noticed on reading the data, such as files that were left out.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>Shape and classes.</summary>
    public DatasetInfo Info => _splits.Train.Info;

    /// <summary>Mean and deviation of the training split; null where values are left as they are.</summary>
    public Normalisation? Normalisation { get; }

    /// <summary>Value that stored bytes are multiplied by.</summary>
    public float Scale => _splits.Train.Scale;

    /// <summary>Batches of the validation split.</summary>
    public IBatchSource Validation { get; }

    /// <summary>Batches of the test split.</summary>
    public IBatchSource Test { get; }

    /// <summary>Classes of which students see no training sample.</summary>
    public IReadOnlyList<int> LeftOut { get; }

    /// <summary>Labels of the test split in its order.</summary>
    public int[] TestLabels { get; }

    /// <summary>Reads and splits the data.</summary>
    public static RunData Load(Recipe recipe, string? folder)
    {
        var locator = new DataLocator(folder);
        var pair = recipe.Dataset.Entry.Load(recipe.Dataset.Options, locator);
        var splits = DataSplits.Create(pair.Train, pair.Test, recipe.Data.Validation, recipe.Data.SplitSeed, recipe.Data.TrainSamples).LeavingOut(recipe.Data.LeaveOut);
        var whole = new Lazy<Dataset>(() => DataSplits.Create(pair.Train, pair.Test, recipe.Data.Validation, recipe.Data.SplitSeed).Train);
        var teacherTrain = TeachersOf(recipe).Any(teacher => teacher.AllSamples) ? whole.Value : splits.Train;
        var unlabelled = recipe.Unlabelled is not { } wanted ? null
            : wanted == UnlabelledSpec.Rest ? whole.Value
            : wanted.Load(splits.Train.Info, locator);
        return new RunData(recipe, pair.Remarks, pair.Train, splits, teacherTrain, unlabelled);
    }

    /// <summary>Training batches of a stage of an arm: with unlabelled samples where it learns from a teacher.</summary>
    /// <param name="arm">Which samples it sees.</param>
    /// <param name="stage">Batch size.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <param name="partner">Which samples batches bring along.</param>
    /// <param name="fixedViews">True where augmented samples are seen in the views whose teacher outputs are stored, if any are.</param>
    public IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner = BatchPartner.None, bool fixedViews = false) =>
        Loader(_withUnlabelled is not null && arm.Teacher is not null && stage.NeedsTeacher ? _withUnlabelled : arm.SeesAllSamples ? _teacherTrain : _splits.Train, stage, seed, partner, fixedViews);

    /// <summary>The students' training samples in their fixed views, as a teacher is shown them for a store.</summary>
    public Loader StoredTraining() => new(_withUnlabelled ?? _splits.Train, new LoaderOptions { Augment = _recipe.Data.Augment, Views = _recipe.Views, Normalise = Normalisation });

    /// <summary>The samples of the validation or the test split, as a teacher is shown them for a store.</summary>
    public Loader StoredSplit(StoredSplit split) => Evaluation(split == DistillSharp.StoredSplit.Validation ? _splits.Validation : _splits.Test);

    /// <summary>What teachers' outputs for training samples depend on beside the teacher, by field. Sample ids count in the whole training set.</summary>
    public Dictionary<string, string> StoreFields() => StoreFields(_wholeSha256.Value, _recipe.Data.Augment);

    /// <summary>The same for the validation or the test split.</summary>
    public Dictionary<string, string> StoreFields(StoredSplit split) =>
        StoreFields((split == DistillSharp.StoredSplit.Validation ? _splits.Validation : _splits.Test).Sha256(), new AugmentOptions());

    /// <summary>Memory that the samples take, in megabytes.</summary>
    public double Megabytes => new[] { _withUnlabelled ?? _teacherTrain, _splits.Validation, _splits.Test }.Where(split => !split.IsRead).Sum(split => (double)split.Count * split.SampleSize * (split.IsBytes ? 1 : sizeof(float))) / 1e6;

    /// <summary>Mean and deviation of the training split as it is stored.</summary>
    public Normalisation Statistics() => Normalisation.Of(_splits.Train);

    /// <summary>So many samples, spread evenly over the validation split or the training split, unchanged but for normalisation.</summary>
    public IBatchSource Samples(bool validation, int count)
    {
        var split = validation ? _splits.Validation : _splits.Train;
        var taken = Math.Min(count, split.Count);
        return new Loader(
            split.Subset(Enumerable.Range(0, taken).Select(i => (int)((long)i * split.Count / taken))),
            new LoaderOptions { BatchSize = Math.Min(64, _recipe.Evaluation.BatchSize), Normalise = Normalisation, Prefetch = 0 });
    }

    /// <summary>What identifies data and splits.</summary>
    public Dictionary<string, string> Fingerprint() => With(new()
    {
        ["dataset"] = _recipe.Dataset.Entry.Name,
        ["train_samples"] = _splits.Train.Count.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = _splits.Validation.Count.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = _splits.Test.Count.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = _splits.Train.Sha256(),
        ["validation_sha256"] = _splits.Validation.Sha256(),
        ["test_sha256"] = _splits.Test.Sha256(),
    });

    /// <summary>Remembers the data of a run, and refuses to go on with other data.</summary>
    /// <exception cref="InvalidDataException">The data is not what the run began with.</exception>
    public void CheckUnchanged(RunDirectory directory)
    {
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

    private Dictionary<string, string> StoreFields(string hash, AugmentOptions augment) => new()
    {
        ["dataset"] = _recipe.Dataset.Entry.Name,
        ["dataset.sha256"] = hash,
        ["input_shape"] = string.Join('×', Info.InputShape),
        ["classes"] = Info.Classes.Count.ToString(CultureInfo.InvariantCulture),
        ["normalisation.mean"] = Text(Normalisation?.Mean),
        ["normalisation.deviation"] = Text(Normalisation?.Deviation),
        ["augmentation"] = augment.IsNone ? "none" : string.Create(CultureInfo.InvariantCulture, $"shift {augment.Shift}, flip {augment.Flip:R}"),
        ["mixing"] = "none",
        ["decoder_prefix"] = "none",
    };

    private static string Text(IReadOnlyList<float>? values) =>
        values is null ? "none" : string.Join(", ", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    private Dictionary<string, string> With(Dictionary<string, string> labelled)
    {
        if (_withUnlabelled is not null)
        {
            labelled["samples_with_unlabelled"] = _withUnlabelled.Count.ToString(CultureInfo.InvariantCulture);
            labelled["with_unlabelled_sha256"] = _withUnlabelled.Sha256();
        }

        return labelled;
    }

    private Loader Loader(Dataset samples, StagePlan stage, int seed, BatchPartner partner, bool fixedViews) => new(samples, new LoaderOptions
    {
        BatchSize = stage.Training.BatchSize,
        Shuffle = true,
        Seed = DerivedSeed.Of(seed, "data"),
        Augment = stage.Training.Augment ?? _recipe.Data.Augment,
        Normalise = Normalisation,
        Partner = partner,
        Views = fixedViews ? _recipe.Views : 0,
    });

    private static IEnumerable<TeacherSection> TeachersOf(Recipe recipe) => recipe.Teacher is { } teacher ? [teacher] : recipe.Teachers?.Members.Values ?? [];

    private Loader Evaluation(Dataset split) => new(split, new LoaderOptions { BatchSize = _recipe.Evaluation.BatchSize, Normalise = Normalisation });
}

/// <summary>A split on which teachers are measured, and whose outputs are stored apart.</summary>
internal enum StoredSplit
{
    /// <summary>The validation split.</summary>
    Validation,

    /// <summary>The test split.</summary>
    Test,
}
