using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using DistillSharp.Speech.Activity;
using DistillSharp.Speech.Models;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp;

/// <summary>Scenes of sound: a network or a file says of each chunk whether somebody speaks.</summary>
internal sealed class ActivityData : RunData
{
    private const int MeasuringBatch = 32;

    private readonly ActivityCorpus _corpus;

    /// <summary>Describes the scenes.</summary>
    public ActivityData(ActivityCorpus corpus)
    {
        _corpus = corpus;
        Info = new DatasetInfo(corpus.Name, [corpus.Options.Chunks * ActivityOptions.Chunk], ["no_speech", "speech"]) { HasEqualLengths = true };
        Validation = new ActivityBatches(Info, corpus.Validation, MeasuringBatch);
        Test = new ActivityBatches(Info, corpus.Test, MeasuringBatch);
    }

    /// <inheritdoc/>
    public override DatasetInfo Info { get; }

    /// <inheritdoc/>
    public override IBatchSource Validation { get; }

    /// <inheritdoc/>
    public override IBatchSource Test { get; }

    /// <inheritdoc/>
    public override string SelectionMetric => "auc";

    /// <inheritdoc/>
    public override string PrimaryMetric => "auc";

    /// <inheritdoc/>
    public override double Megabytes => 0;

    /// <inheritdoc/>
    public override IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner, bool fixedViews) =>
        new ActivityBatches(Info, _corpus.Train, stage.Training.BatchSize, DerivedSeed.Of(seed, "data"));

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Validate(Network network) => Evaluate(network, validation: true);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation)
    {
        network.eval();
        return Rates(network.Logits, validation ? Validation : Test);
    }

    /// <inheritdoc/>
    public override MeasuredNetwork Measure(Network network, string folder) => new(new Dictionary<string, double>(Evaluate(network, validation: false)), [], []);

    /// <inheritdoc/>
    public override (IReadOnlyDictionary<string, double> Validation, MeasuredNetwork Test) Measure(ISignalSource teacher)
    {
        Tensor Logits(Batch batch) => teacher.Read(batch).Logits.Value;
        return (Rates(Logits, Validation), new MeasuredNetwork(Rates(Logits, Test), [], []));
    }

    /// <inheritdoc/>
    public override ParityResult? WriteOnnx(Network network, string path, Dictionary<string, string> metadata)
    {
        var activity = (ActivityGru)network;
        ActivityExport.Write(activity, path, metadata);
        using var batch = Test.Epoch(0).First();
        return new ParityResult(batch.Count, ActivityExport.Check(activity, path, batch), batch.Count);
    }

    /// <inheritdoc/>
    public override Dictionary<string, string> Fingerprint() => new()
    {
        ["dataset"] = _corpus.Name,
        ["train_samples"] = _corpus.Train.Count.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = _corpus.Validation.Count.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = _corpus.Test.Count.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = _corpus.Train.Sha256(),
        ["validation_sha256"] = _corpus.Validation.Sha256(),
        ["test_sha256"] = _corpus.Test.Sha256(),
    };

    private static Dictionary<string, double> Rates(Func<Batch, Tensor> logits, IBatchSource source)
    {
        using var noGradient = no_grad();
        var (odds, truth) = (new List<float>(), new List<int>());
        foreach (var batch in source.Epoch(0))
        {
            using var scope = NewDisposeScope();
            using var owned = batch;
            var both = logits(batch).to(ScalarType.Float32).cpu();
            odds.AddRange((both.select(2, 1) - both.select(2, 0)).contiguous().data<float>().ToArray());
            truth.AddRange(batch.Targets!.data<long>().ToArray().Select(label => (int)label));
        }

        return BinaryMetrics.Compute(odds, truth);
    }
}
