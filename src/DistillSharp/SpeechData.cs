using System.Globalization;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Sequences;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>Recorded speech: batches of features, transcripts by people or by the teacher, and recognition that is measured.</summary>
internal sealed class SpeechData : RunData
{
    private readonly Recipe _recipe;
    private readonly SpeechCorpus _corpus;
    private readonly FeatureCache _features;
    private readonly ISymbolCodec _symbols;
    private readonly TrainingUtterances _training;
    private readonly SpeechMeasurement _measurement;
    private readonly Dictionary<(string Arm, int Seed), List<SpeechUtterance>> _targets = [];
    private string? _teacherFolder;

    /// <summary>Looks at the features of the training split.</summary>
    public SpeechData(Recipe recipe, SpeechCorpus corpus)
    {
        (_recipe, _corpus) = (recipe, corpus);
        var (alphabet, texts) = (new SymbolAlphabet(corpus.Options.Alphabet), corpus.AllTrain.Select(utterance => utterance.Text).OfType<string>());
        (_features, _symbols) = (new FeatureCache(corpus.Options), corpus.Options.Vocabulary is { } size ? new SubwordSymbols(alphabet, texts, size) : alphabet);
        _training = new TrainingUtterances(corpus, _features, _symbols, hearsRest: recipe.Unlabelled is not null);
        var (mean, deviation) = _features.Statistics(corpus.Train);
        Info = new DatasetInfo(corpus.Name, [corpus.Options.Mels], []) { Ctc = new CtcInfo(_symbols.Symbols, mean, deviation) };
        _measurement = new SpeechMeasurement(recipe, corpus, _features, _symbols, Info);
        Validation = _measurement.Batches(corpus.Validation);
        Test = _measurement.Batches(corpus.Tests[0].Utterances);
    }

    /// <inheritdoc/>
    public override DatasetInfo Info { get; }

    /// <inheritdoc/>
    public override IBatchSource Validation { get; }

    /// <inheritdoc/>
    public override IBatchSource Test { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Remarks => _training.Remarks;

    /// <inheritdoc/>
    public override string SelectionMetric => "character_accuracy";

    /// <inheritdoc/>
    public override string PrimaryMetric => "wer";

    /// <inheritdoc/>
    public override double Megabytes => Math.Min(_corpus.Options.CacheMegabytes, _corpus.Train.Sum(utterance => utterance.Duration) * 100 * _corpus.Options.Mels * sizeof(float) / 1e6);

    /// <inheritdoc/>
    public override DatasetInfo InfoFor(ModelSpec model) => model.Options is SpeechTransformerOptions ? Info with { Sequence = SpeechTokens.Of(_symbols.Symbols) } : Info;

    /// <inheritdoc/>
    public override void Prepare(ArmPlan arm, int seed, ArmNetworks networks, RunDirectory directory, Action<string> note, CancellationToken cancellation)
    {
        _training.NoteLeftOut(Subsampling(arm), directory, note);
        _measurement.WriteLanguageModel(directory, note);
        if (arm.IsTeacher || !_recipe.HasTeacher)
        {
            return;
        }

        var measured = networks.Find(ArmNames.Teacher);
        _teacherFolder = directory.JobFolder(measured.Name, measured.SeedFor(seed));
        if (arm.Plan.Targets is not { } options || _targets.ContainsKey((arm.Name, seed)))
        {
            return;
        }

        var teacher = networks.Find(arm.Writer);
        var key = FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join(
            '|', networks.WeightsSha256(teacher, seed), options.Beam, options.LengthPenalty.ToString("R", CultureInfo.InvariantCulture), SpeechCorpus.Sha256(_training.Heard))));
        var path = Path.Combine(directory.JobFolder(teacher.Name, teacher.SeedFor(seed)), $"transcripts-{key[..12]}.json");
        if (!File.Exists(path))
        {
            note($"{arm.Name}: the teacher transcribes {_training.Heard.Count} training utterances");
            using var network = networks.LoadNetwork(teacher, seed);
            var decoding = new DecodingOptions { Beam = options.Beam, LengthPenalty = options.LengthPenalty };
            RunJson.Save(path, SpeechRecogniser.Texts(network, _measurement.Batches(_training.Heard), _symbols, decoding, cancellation));
        }

        var made = TeacherTranscripts.Choose(_training.Heard, RunJson.Load<List<string[]>>(path), options, out var summary);
        note($"{arm.Name}: {summary}");
        if (made.Count == 0)
        {
            throw new InvalidOperationException($"{arm.Name}: no output of the teacher is within max_wer {options.MaxWer.ToString(CultureInfo.InvariantCulture)}; it has not learned to recognise speech (see its wer)");
        }

        _targets[(arm.Name, seed)] = _training.Fitting(made, arm.Name, seed, Subsampling(arm), directory, note);
    }

    /// <inheritdoc/>
    public override IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner, bool fixedViews)
    {
        var utterances = _targets.GetValueOrDefault((arm.Name, seed))
            ?? _training.Of(arm.SeesAllSamples ? TrainingPool.All : stage.NeedsTeacher ? TrainingPool.Heard : TrainingPool.Transcribed, Subsampling(arm));
        // A decoder reads what it is to write: without a text there is nothing to train it on.
        var needsText = !stage.NeedsTeacher || arm.Model?.Options is SpeechTransformerOptions;
        return Batches(arm.Model is { } model ? InfoFor(model) : Info, needsText ? [.. utterances.Where(utterance => utterance.Text is not null)] : utterances, new SpeechBatchOptions
        {
            BatchSize = stage.Training.BatchSize,
            BatchFrames = stage.Training.BatchTokens,
            Shuffle = true,
            Seed = DerivedSeed.Of(seed, "data"),
            Augment = _corpus.Options.SpeechAugment.IsNone ? null : _corpus.Options.SpeechAugment,
        });
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Validate(Network network) => Evaluate(network, validation: true);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation) => validation
        ? _measurement.Rates(network, _corpus.Validation, Validation)
        : _measurement.Rates(network, _corpus.Tests[0].Utterances, Test);

    /// <inheritdoc/>
    public override MeasuredNetwork Measure(Network network, string folder) => _measurement.Measure(network, folder, _teacherFolder);

    /// <inheritdoc/>
    public override void Accompany(string weights, ModelSpec model, Dictionary<string, string> metadata)
    {
        metadata[TranscriberFile.Alphabet] = _corpus.Options.Alphabet;
        if (_symbols is not SymbolAlphabet)
        {
            metadata[TranscriberFile.Symbols] = JsonSerializer.Serialize(_symbols.Symbols);
        }

        metadata[TranscriberFile.SampleRate] = _corpus.Options.SampleRate.ToString(CultureInfo.InvariantCulture);
        metadata[TranscriberFile.Mels] = _corpus.Options.Mels.ToString(CultureInfo.InvariantCulture);
        metadata[TranscriberFile.Subsampling] = ((SpeechModelOptions)model.Options).Subsampling.ToString(CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override void CheckWeights(IReadOnlyDictionary<string, string> metadata, string weights) =>
        TranscriberFile.CheckTraining(metadata, weights, _symbols.Symbols, _corpus.Options.SampleRate);

    /// <inheritdoc/>
    public override ParityResult? WriteOnnx(Network network, string path, Dictionary<string, string> metadata)
    {
        // Test sets first; where they are small, what is not tested on serves as well.
        List<SpeechUtterance> utterances = [.. _corpus.Tests.SelectMany(test => test.Utterances).Concat(_corpus.Validation).Concat(_corpus.Train).Take(_recipe.Export.ParitySamples)];
        SpeechBatches OfSize(int size) => Batches(Info, utterances, new SpeechBatchOptions { BatchSize = size });
        string[] files = [];
        SpeechParityReport report;
        if (network is SpeechTransformer writer)
        {
            files = [SpeechTransformerExport.Encoder(path), SpeechTransformerExport.DecoderStep(path)];
            SpeechTransformerExport.Write(writer, files[0], files[1], metadata);
            using var exported = new OnnxSpeechWriter(files[0], files[1]);
            report = SpeechParity.Compare(writer, exported, OfSize, _symbols, _measurement.Beam);
        }
        else
        {
            CtcExport.Write(SpeechRecogniser.AsCtc(network), path, metadata);
            report = SpeechParity.Compare(SpeechRecogniser.AsCtc(network), path, OfSize, _symbols, _measurement.Beam);
        }

        AtomicFile.WriteText(Path.Combine(Path.GetDirectoryName(path)!, "onnx_parity.json"), JsonSerializer.Serialize(report, RunJson.Line));
        SpeechParity.Require(report, files.FirstOrDefault() ?? path);
        return new ParityResult(report.Utterances, report.LargestDifference ?? double.NaN, report.Utterances - report.Mismatches.Select(mismatch => mismatch.SampleId).Distinct().Count()) { Files = files };
    }

    /// <inheritdoc/>
    public override Dictionary<string, string> Fingerprint() => new(_corpus.Tests.Select(test => KeyValuePair.Create($"test_{test.Name}_sha256", SpeechCorpus.Sha256(test.Utterances))))
    {
        ["dataset"] = _corpus.Name,
        ["train_samples"] = _corpus.Train.Count.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = _corpus.Validation.Count.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = _corpus.Tests[0].Utterances.Count.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = SpeechCorpus.Sha256(_corpus.Train),
        ["all_train_sha256"] = SpeechCorpus.Sha256(_corpus.AllTrain),
        ["validation_sha256"] = SpeechCorpus.Sha256(_corpus.Validation),
        ["test_sha256"] = SpeechCorpus.Sha256(_corpus.Tests[0].Utterances),
        ["symbols_sha256"] = FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', _symbols.Symbols))),
    };

    private static int Subsampling(ArmPlan arm) => (arm.Model?.Options as SpeechModelOptions)?.Subsampling ?? 4;

    private SpeechBatches Batches(DatasetInfo info, IReadOnlyList<SpeechUtterance> utterances, SpeechBatchOptions options) => new(info, utterances, _symbols, _features, options);
}
