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
    private readonly Recipe _recipe;

    private RunData(Recipe recipe, DataSplits splits, Dataset teacherTrain)
    {
        _teacherTrain = teacherTrain;
        _recipe = recipe;
        _splits = splits;
        Normalisation = recipe.Data.Normalise ? recipe.Data.Given ?? Normalisation.Of(splits.Train) : null;
        Validation = Evaluation(splits.Validation);
        Test = Evaluation(splits.Test);
        TestLabels = [.. Enumerable.Range(0, splits.Test.Count).Select(splits.Test.Label)];
    }

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

    /// <summary>Labels of the test split in its order.</summary>
    public int[] TestLabels { get; }

    /// <summary>Reads and splits the data.</summary>
    public static RunData Load(Recipe recipe, string? folder)
    {
        var pair = recipe.Dataset.Entry.Load(recipe.Dataset.Options, new DataLocator(folder));
        var splits = DataSplits.Create(pair.Train, pair.Test, recipe.Data.Validation, recipe.Data.SplitSeed, recipe.Data.TrainSamples);
        var teacherTrain = TeachersOf(recipe).Any(teacher => teacher.AllSamples) ? DataSplits.Create(pair.Train, pair.Test, recipe.Data.Validation, recipe.Data.SplitSeed).Train : splits.Train;
        return new RunData(recipe, splits, teacherTrain);
    }

    /// <summary>Training batches of a stage.</summary>
    /// <param name="stage">Batch size.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <param name="allSamples">True for a teacher that sees more samples than students do.</param>
    /// <param name="partner">Which samples batches bring along.</param>
    public IBatchSource Source(StagePlan stage, int seed, bool allSamples, BatchPartner partner = BatchPartner.None) => new Loader(allSamples ? _teacherTrain : _splits.Train, new LoaderOptions
    {
        BatchSize = stage.Training.BatchSize,
        Shuffle = true,
        Seed = DerivedSeed.Of(seed, "data"),
        Augment = stage.Training.Augment ?? _recipe.Data.Augment,
        Normalise = Normalisation,
        Partner = partner,
    });

    /// <summary>What identifies data and splits.</summary>
    public Dictionary<string, string> Fingerprint() => new()
    {
        ["dataset"] = _recipe.Dataset.Entry.Name,
        ["train_samples"] = _splits.Train.Count.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = _splits.Validation.Count.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = _splits.Test.Count.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = _splits.Train.Sha256(),
        ["validation_sha256"] = _splits.Validation.Sha256(),
        ["test_sha256"] = _splits.Test.Sha256(),
    };

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

    private static IEnumerable<TeacherSection> TeachersOf(Recipe recipe) => recipe.Teacher is { } teacher ? [teacher] : recipe.Teachers?.Members.Values ?? [];

    private Loader Evaluation(Dataset split) => new(split, new LoaderOptions { BatchSize = _recipe.Evaluation.BatchSize, Normalise = Normalisation });
}
