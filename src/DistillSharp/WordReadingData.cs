using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Sequences;
using DistillSharp.Signals;
using DistillSharp.Training;
using DistillSharp.Vision.Reading;
using static TorchSharp.torch;

namespace DistillSharp;

/// <summary>Drawn words: a network or a file reads them, and is measured by their true text.</summary>
internal sealed class WordReadingData(WordTextCorpus corpus) : RunData
{
    private const int MeasuringBatch = 64;

    /// <inheritdoc/>
    public override DatasetInfo Info => WordTextCorpus.Info;

    /// <inheritdoc/>
    public override IBatchSource Validation { get; } = new WordTextBatches(corpus.Validation, MeasuringBatch);

    /// <inheritdoc/>
    public override IBatchSource Test { get; } = new WordTextBatches(corpus.Test, MeasuringBatch);

    /// <inheritdoc/>
    public override string SelectionMetric => "character_accuracy";

    /// <inheritdoc/>
    public override string PrimaryMetric => "cer";

    /// <inheritdoc/>
    public override float Scale => 1 / 255f;

    /// <inheritdoc/>
    public override double Megabytes => new[] { corpus.Train, corpus.Validation, corpus.Test }.Sum(words => words.Pixels.Length / 1e6);

    /// <inheritdoc/>
    public override IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner, bool fixedViews) =>
        new WordTextBatches(corpus.Train, stage.Training.BatchSize, DerivedSeed.Of(seed, "data"));

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Validate(Network network) => Evaluate(network, validation: true);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation)
    {
        network.eval();
        return Rates(network.Logits, validation);
    }

    /// <inheritdoc/>
    public override MeasuredNetwork Measure(Network network, string folder)
    {
        network.eval();
        return Measured(network.Logits);
    }

    /// <inheritdoc/>
    public override (IReadOnlyDictionary<string, double> Validation, MeasuredNetwork Test) Measure(ISignalSource teacher)
    {
        Tensor Logits(Batch batch) => teacher.Read(batch).Logits.Value;
        return (Rates(Logits, validation: true), Measured(Logits));
    }

    /// <inheritdoc/>
    public override Dictionary<string, string> Fingerprint() => new()
    {
        ["dataset"] = corpus.Name,
        ["train_samples"] = corpus.Train.Texts.Length.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = corpus.Validation.Texts.Length.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = corpus.Test.Texts.Length.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = corpus.Train.Sha256(),
        ["validation_sha256"] = corpus.Validation.Sha256(),
        ["test_sha256"] = corpus.Test.Sha256(),
    };

    private MeasuredNetwork Measured(Func<Batch, Tensor> logits)
    {
        var read = Texts(logits, Test);
        return new MeasuredNetwork(Rates(corpus.Test.Texts, read), [], []) { Counts = { ["cer"] = ErrorRates.BySentence(corpus.Test.Texts.Zip(read, ErrorRates.Characters)) } };
    }

    private Dictionary<string, double> Rates(Func<Batch, Tensor> logits, bool validation) =>
        Rates((validation ? corpus.Validation : corpus.Test).Texts, Texts(logits, validation ? Validation : Test));

    private static List<string> Texts(Func<Batch, Tensor> logits, IBatchSource source)
    {
        var read = new List<string>();
        using var noGradient = no_grad();
        foreach (var batch in source.Epoch(0))
        {
            using var scope = NewDisposeScope();
            using var owned = batch;
            var frames = logits(batch).to(ScalarType.Float32).cpu().contiguous();
            var (values, row, classes) = (frames.data<float>().ToArray(), (int)(frames.shape[1] * frames.shape[2]), (int)frames.shape[2]);
            read.AddRange(Enumerable.Range(0, batch.Count).Select(i => WordTextCorpus.Alphabet.Decode(CtcDecoder.Greedy(values.AsSpan(i * row, row), classes).Select(symbol => symbol.Label))));
        }

        return read;
    }

    private static Dictionary<string, double> Rates(string[] truth, List<string> read)
    {
        var errors = ErrorRates.CorpusCharacters(truth, read).Rate;
        return new Dictionary<string, double>
        {
            ["cer"] = errors,
            ["character_accuracy"] = Math.Max(0, 1 - errors),
            ["exact_match"] = (double)truth.Zip(read).Count(pair => pair.First == pair.Second) / truth.Length,
        };
    }
}
