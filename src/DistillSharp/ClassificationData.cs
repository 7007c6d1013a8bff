using System.Globalization;
using System.Runtime.InteropServices;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>Labelled samples: splits, and batches of them as a stage wants them.</summary>
internal sealed class ClassificationData : RunData
{
    private readonly DataSplits _splits;
    private readonly Dataset _teacherTrain;
    private readonly Dataset? _withUnlabelled;
    private readonly Recipe _recipe;
    private readonly Lazy<string> _wholeSha256;

    private ClassificationData(Recipe recipe, IReadOnlyList<string> remarks, Dataset whole, DataSplits splits, Dataset teacherTrain, Dataset? unlabelled)
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

    /// <inheritdoc/>
    public override IReadOnlyList<string> Remarks { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<int> LeftOut { get; }

    /// <inheritdoc/>
    public override DatasetInfo Info => _splits.Train.Info;

    /// <inheritdoc/>
    public override Normalisation? Normalisation { get; }

    /// <inheritdoc/>
    public override float Scale => _splits.Train.Scale;

    /// <inheritdoc/>
    public override (float Low, float High)? ValueRange => _splits.Train.ValueRange;

    /// <inheritdoc/>
    public override IBatchSource Validation { get; }

    /// <inheritdoc/>
    public override IBatchSource Test { get; }

    /// <inheritdoc/>
    public override int[] TestLabels { get; }

    /// <summary>Reads and splits the data.</summary>
    public static new ClassificationData Load(Recipe recipe, string? folder)
    {
        var locator = new DataLocator(folder);
        var pair = recipe.Dataset.Entry.Load(recipe.Dataset.Options, locator);
        var splits = DataSplits.Create(pair.Train, pair.Test, recipe.Data.Validation, recipe.Data.SplitSeed, recipe.Data.TrainSamples).LeavingOut(recipe.Data.LeaveOut);
        var whole = new Lazy<DataSplits>(() => DataSplits.Create(pair.Train, pair.Test, recipe.Data.Validation, recipe.Data.SplitSeed));
        var teacherTrain = TeachersOf(recipe).Any(teacher => teacher.AllSamples) ? whole.Value.Train : splits.Train;
        var unlabelled = recipe.Unlabelled is not { } wanted ? null
            : wanted == UnlabelledSpec.Rest ? whole.Value.LeavingOut(recipe.Data.LeaveOut).Train
            : wanted.Load(splits.Train.Info, locator);
        return new ClassificationData(recipe, pair.Remarks, pair.Train, splits, teacherTrain, unlabelled);
    }

    /// <inheritdoc/>
    public override IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner = BatchPartner.None, bool fixedViews = false) =>
        Loader(_withUnlabelled is not null && arm.Teacher is not null && stage.NeedsTeacher ? _withUnlabelled : arm.SeesAllSamples ? _teacherTrain : _splits.Train, stage, seed, partner, fixedViews);

    /// <inheritdoc/>
    public override Loader StoredTraining() => new(_withUnlabelled ?? _splits.Train, new LoaderOptions { Augment = _recipe.Data.Augment, Views = _recipe.Views, Normalise = Normalisation, Workers = _recipe.Data.Workers });

    /// <inheritdoc/>
    public override Loader StoredSplit(StoredSplit split) => Evaluation(split == DistillSharp.StoredSplit.Validation ? _splits.Validation : _splits.Test);

    /// <inheritdoc/>
    public override Dictionary<string, string> StoreFields() => StoreFields(_wholeSha256.Value, _recipe.Data.Augment);

    /// <inheritdoc/>
    public override Dictionary<string, string> StoreFields(StoredSplit split) =>
        StoreFields((split == DistillSharp.StoredSplit.Validation ? _splits.Validation : _splits.Test).Sha256(), new AugmentOptions());

    /// <inheritdoc/>
    public override double Megabytes => new[] { _withUnlabelled ?? _teacherTrain, _splits.Validation, _splits.Test }.Where(split => !split.IsRead).Sum(split => (double)split.Count * split.SampleSize * (split.IsBytes ? 1 : sizeof(float))) / 1e6;

    /// <inheritdoc/>
    public override Normalisation Statistics() => Normalisation.Of(_splits.Train);

    /// <inheritdoc/>
    public override IBatchSource Samples(bool validation, int count)
    {
        var split = validation ? _splits.Validation : _splits.Train;
        var taken = Math.Min(count, split.Count);
        return new Loader(
            split.Subset(Enumerable.Range(0, taken).Select(i => (int)((long)i * split.Count / taken))),
            new LoaderOptions { BatchSize = Math.Min(64, _recipe.Evaluation.BatchSize), Normalise = Normalisation, Prefetch = 0 });
    }

    /// <inheritdoc/>
    public override Dictionary<string, string> Fingerprint() => With(new()
    {
        ["dataset"] = _recipe.Dataset.Entry.Name,
        ["train_samples"] = _splits.Train.Count.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = _splits.Validation.Count.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = _splits.Test.Count.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = _splits.Train.Sha256(),
        ["validation_sha256"] = _splits.Validation.Sha256(),
        ["test_sha256"] = _splits.Test.Sha256(),
    });

    /// <inheritdoc/>
    public override string SelectionMetric => "top1";

    /// <inheritdoc/>
    public override string PrimaryMetric => "top1";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Validate(Network network) => Metrics(network, Validation);

    /// <inheritdoc/>
    public override MeasuredNetwork Measure(Network network, string folder) => Measure(Evaluator.Logits(network, Validation), Evaluator.Logits(network, Test));

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation) => Metrics(network, validation ? Validation : Test);

    /// <summary>Metrics of logits, calibrated on those of the validation split.</summary>
    public MeasuredNetwork Measure(SplitLogits validation, SplitLogits test)
    {
        var temperature = Calibration.FitTemperature(validation.Logits, validation.Labels, validation.Classes);
        var measured = ClassificationMetrics.Compute(test.Logits, test.Labels, test.Classes, temperature);
        foreach (var (key, value) in LeftOut.Count > 0 ? LeftOutClasses.Metrics(validation, test, LeftOut) : [])
        {
            measured.Metrics[key] = value;
        }

        return new MeasuredNetwork(measured.Metrics, measured.Predictions, measured.PerClass);
    }

    private static IReadOnlyDictionary<string, double> Metrics(Network network, IBatchSource source)
    {
        var split = Evaluator.Logits(network, source);
        return ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics;
    }

    private Dictionary<string, string> StoreFields(string hash, AugmentOptions augment) => new()
    {
        ["dataset"] = _recipe.Dataset.Entry.Name,
        ["dataset.sha256"] = hash,
        ["input_shape"] = string.Join('×', Info.InputShape),
        ["classes"] = Info.Classes.Count.ToString(CultureInfo.InvariantCulture),
        ["normalisation.mean"] = Text(Normalisation?.Mean),
        ["normalisation.deviation"] = Text(Normalisation?.Deviation),
        ["augmentation"] = augment.Describe(),
        ["mixing"] = augment.Mixes ? $"{augment.DescribeMixing()}, among {MixedAmong()}" : "none",
        ["decoder_prefix"] = "none",
    };

    // A sample's partner is drawn from those that are trained on, so that it depends on which these are.
    private string MixedAmong()
    {
        var pool = _withUnlabelled ?? _splits.Train;
        var ids = new int[pool.Count];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = pool.SampleId(i);
        }

        return $"{ids.Length} samples {FileHash.Sha256(MemoryMarshal.AsBytes<int>(ids))}";
    }

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
        Workers = _recipe.Data.Workers,
    });

    private static IEnumerable<TeacherSection> TeachersOf(Recipe recipe) => recipe.Teacher is { } teacher ? [teacher] : recipe.Teachers?.Members.Values ?? [];

    private Loader Evaluation(Dataset split) => new(split, new LoaderOptions
    {
        BatchSize = Math.Min(_recipe.Evaluation.BatchSize, Math.Max(1, EvaluationSection.LargestBatch / split.SampleSize)),
        Normalise = Normalisation,
        Workers = _recipe.Data.Workers,
    });
}
