using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Sequences;
using DistillSharp.Sequences.LanguageModels;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>Recorded speech: batches of features, transcripts by people or by the teacher, and recognition that is measured.</summary>
internal sealed class SpeechData : RunData
{
    private const int MeasuringBatch = 16;

    private const string ClippedFile = "clipped.txt";

    private const string MistimedFile = "wrong-durations.txt";

    private readonly Recipe _recipe;
    private readonly SpeechCorpus _corpus;
    private readonly FeatureCache _features;
    private readonly ISymbolCodec _symbols;
    private readonly Lazy<NgramModel?> _language;
    private readonly Dictionary<(string Arm, int Seed), List<SpeechUtterance>> _targets = [];
    private readonly Dictionary<(int Subsampling, Pool Pool), List<SpeechUtterance>> _trainable = [];

    // What students hear that learn from a teacher: beside the transcribed utterances perhaps those that train_samples leaves over, without their transcripts.
    private readonly IReadOnlyList<SpeechUtterance> _heard;
    private string? _teacherFolder;

    /// <summary>Looks at the features of the training split.</summary>
    public SpeechData(Recipe recipe, SpeechCorpus corpus)
    {
        (_recipe, _corpus) = (recipe, corpus);
        var (alphabet, texts) = (new SymbolAlphabet(corpus.Options.Alphabet), corpus.AllTrain.Select(utterance => utterance.Text).OfType<string>());
        (_features, _symbols) = (new FeatureCache(corpus.Options), corpus.Options.Vocabulary is { } size ? new SubwordSymbols(alphabet, texts, size) : alphabet);
        // What students do not read, their language model does not either; symbols are the teacher's too, which may.
        var read = recipe.Unlabelled is null ? texts : corpus.Train.Select(utterance => utterance.Text).OfType<string>();
        _language = new Lazy<NgramModel?>(() => recipe.Evaluation.LanguageModel is not { } wanted ? null
            : wanted.File is { } file ? ArpaFile.Load(file) : NgramTrainer.Train(read.Select(text => LanguageFusion.Tokens(text, wanted.Level)), wanted.Order));
        var own = corpus.Train.Select(utterance => utterance.Path).ToHashSet();
        _heard = recipe.Unlabelled is null ? corpus.Train : [.. corpus.Train, .. corpus.AllTrain.Where(utterance => !own.Contains(utterance.Path)).Select(utterance => utterance with { Text = null })];
        var (mean, deviation) = _features.Statistics(corpus.Train);
        Info = new DatasetInfo(corpus.Name, [corpus.Options.Mels], []) { Ctc = new CtcInfo(_symbols.Symbols, mean, deviation) };
        Validation = Batches(corpus.Validation);
        Test = Batches(corpus.Tests[0].Utterances);
    }

    /// <inheritdoc/>
    public override DatasetInfo Info { get; }

    /// <inheritdoc/>
    public override IBatchSource Validation { get; }

    /// <inheritdoc/>
    public override IBatchSource Test { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Remarks =>
    [
        .. Remark(_corpus.Doubtful, "recordings are kept and clipped", ClippedFile),
        .. Remark(_corpus.Mistimed, "recordings are longer or shorter than their manifests say, and are taken as they are", MistimedFile),
    ];

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
        NoteLeftOut(arm, directory, note);
        WriteLanguageModel(directory, note);
        if (arm.IsTeacher || !_recipe.HasTeacher)
        {
            return;
        }

        var teacher = networks.Find(ArmNames.Teacher);
        _teacherFolder = directory.JobFolder(teacher.Name, teacher.SeedFor(seed));
        if (arm.Plan.Targets is not { } options || _targets.ContainsKey((arm.Name, seed)))
        {
            return;
        }

        var key = FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join(
            '|', networks.WeightsSha256(teacher, seed), options.Beam, options.LengthPenalty.ToString("R", CultureInfo.InvariantCulture), SpeechCorpus.Sha256(_heard))));
        var path = Path.Combine(_teacherFolder, $"transcripts-{key[..12]}.json");
        if (!File.Exists(path))
        {
            note($"{arm.Name}: the teacher transcribes {_heard.Count} training utterances");
            using var network = networks.LoadNetwork(teacher, seed);
            RunJson.Save(path, Texts(network, Batches(_heard), options.Beam, options.LengthPenalty, cancellation));
        }

        var made = TeacherTranscripts.Choose(_heard, RunJson.Load<List<string[]>>(path), options, out var summary);
        note($"{arm.Name}: {summary}");
        if (made.Count == 0)
        {
            throw new InvalidOperationException($"{arm.Name}: no output of the teacher is within max_wer {options.MaxWer.ToString(CultureInfo.InvariantCulture)}; it has not learned to recognise speech (see its wer)");
        }

        _targets[(arm.Name, seed)] = Fitting(made, arm, seed, directory, note);
    }

    /// <inheritdoc/>
    public override IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner, bool fixedViews)
    {
        var utterances = _targets.GetValueOrDefault((arm.Name, seed))
            ?? Trainable(Subsampling(arm), arm.SeesAllSamples ? Pool.All : stage.NeedsTeacher ? Pool.Heard : Pool.Transcribed);
        // A decoder reads what it is to write: without a text there is nothing to train it on.
        var needsText = !stage.NeedsTeacher || arm.Model?.Options is SpeechTransformerOptions;
        return Batches(needsText ? [.. utterances.Where(utterance => utterance.Text is not null)] : utterances, new SpeechBatchOptions
        {
            BatchSize = stage.Training.BatchSize,
            BatchFrames = stage.Training.BatchTokens,
            Shuffle = true,
            Seed = DerivedSeed.Of(seed, "data"),
            Augment = _corpus.Options.SpeechAugment.IsNone ? null : _corpus.Options.SpeechAugment,
        }, arm.Model is { } model ? InfoFor(model) : Info);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Validate(Network network) => Evaluate(network, validation: true);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation)
    {
        var utterances = validation ? _corpus.Validation : _corpus.Tests[0].Utterances;
        return Rates(utterances, [.. Texts(network, validation ? Validation : Test, 1).Select(nBest => nBest[0])]);
    }

    /// <inheritdoc/>
    public override MeasuredNetwork Measure(Network network, string folder)
    {
        var (metrics, counts) = (new Dictionary<string, double>(), new Dictionary<string, double[][]>());
        foreach (var (index, (name, utterances)) in _corpus.Tests.Index())
        {
            // The first set is timed, and its recordings are read anew: an arm that is measured later pays for its features as the first one does.
            var features = index == 0 ? new FeatureCache(_corpus.Options with { CacheMegabytes = 0 }) : _features;
            var watch = Stopwatch.StartNew();
            var frames = network is CtcNetwork spoken ? SpeechRecogniser.Frames(spoken, Batches(utterances, features: features)).OrderBy(each => each.SampleId).ToList() : [];
            List<Heard> heard = [.. frames.Select(each => new Heard(each.SampleId, CtcDecoder.Greedy(each.Logits, _symbols.Symbols.Count + 1), []))];
            List<string> texts = network is CtcNetwork ? [.. heard.Select(each => SpeechRecogniser.Text(each.Symbols, _symbols))] : [.. Texts(network, Batches(utterances, features: features), 1).Select(nBest => nBest[0])];
            var seconds = watch.Elapsed.TotalSeconds;
            var rates = Rates(utterances, texts);
            counts[index == 0 ? "wer" : $"wer_{name}"] = ErrorRates.BySentence(utterances.Zip(texts, (utterance, text) => ErrorRates.Words(utterance.Text!, text)));
            if (index == 0)
            {
                (metrics["wer"], metrics["cer"]) = (rates["wer"], rates["cer"]);
                metrics["real_time_factor"] = seconds / Math.Max(1e-9, utterances.Sum(utterance => _features.Frames(utterance) / 100.0));
                metrics["wer_beam"] = network is CtcNetwork ? Searched(utterances, frames, null) : Rates(utterances, [.. Texts(network, Test, Beam).Select(nBest => nBest[0])])["wer"];
                if (network is CtcNetwork && ChooseFusion(network, folder) is { } fusion)
                {
                    metrics["wer_beam_lm"] = Searched(utterances, frames, fusion);
                }
            }

            if (_corpus.Tests.Count > 1 || name != "test")
            {
                (metrics[$"wer_{name}"], metrics[$"cer_{name}"]) = (rates["wer"], rates["cer"]);
            }

            AtomicFile.WriteText(Path.Combine(folder, $"test.{name}.jsonl"), string.Concat(utterances.Zip(texts, (utterance, text) =>
                JsonSerializer.Serialize(new { path = Path.GetFileName(utterance.Path), reference = utterance.Text, hypothesis = text, edits = Edits(utterance.Text!, text) }, RunJson.Line) + "\n")));
            if (network is CtcNetwork ctc)
            {
                Spikes(index, heard, ctc.Subsampling, folder, metrics);
            }
        }

        return new MeasuredNetwork(metrics, [], []) { Counts = counts };
    }

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
    public override void WriteOnnx(Network network, string weights, Dictionary<string, string> metadata)
    {
        // Test sets first; where they are small, what is not tested on serves as well.
        List<SpeechUtterance> utterances = [.. _corpus.Tests.SelectMany(test => test.Utterances).Concat(_corpus.Validation).Concat(_corpus.Train).Take(_recipe.Export.ParitySamples)];
        SpeechBatches OfSize(int size) => Batches(utterances, new SpeechBatchOptions { BatchSize = size });
        string path;
        SpeechParityReport report;
        if (network is SpeechTransformer writer)
        {
            path = SpeechTransformerExport.Encoder(weights);
            SpeechTransformerExport.Write(writer, path, SpeechTransformerExport.DecoderStep(weights), metadata);
            using var exported = new OnnxSpeechWriter(path, SpeechTransformerExport.DecoderStep(weights));
            report = SpeechParity.Compare(writer, exported, OfSize, _symbols, Beam);
        }
        else
        {
            path = Path.ChangeExtension(weights, ".onnx");
            CtcExport.Write(AsCtc(network), path, metadata);
            report = SpeechParity.Compare(AsCtc(network), path, OfSize, _symbols, Beam);
        }

        AtomicFile.WriteText(Path.Combine(Path.GetDirectoryName(weights)!, "onnx_parity.json"), JsonSerializer.Serialize(report, RunJson.Line));
        SpeechParity.Require(report, path);
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

    private static CtcNetwork AsCtc(Network network) => network as CtcNetwork ?? throw new NotSupportedException($"{network.GetName()} does not recognise speech; use a model such as `ctc_gru`");

    private static IEnumerable<string> Remark(IReadOnlyList<string> lines, string what, string file) => lines.Count == 0 ? [] : [$"{lines.Count} {what}; {file} names them, first {lines[0]}"];

    private List<string[]> Texts(Network network, IBatchSource source, int beam) => Texts(network, source, beam, _recipe.Evaluation.LengthPenalty, CancellationToken.None);

    private List<string[]> Texts(Network network, IBatchSource source, int beam, double lengthPenalty, CancellationToken cancellation) => network is SpeechTransformer writer
        ? AttentionRecogniser.Hear(writer, source, _symbols, new DecodingOptions { Beam = beam, LengthPenalty = lengthPenalty }, cancellation)
        : [.. SpeechRecogniser.Hear(AsCtc(network), source, _symbols, beam, cancellation).Select(each => each.NBest.Count > 0 ? each.NBest.ToArray() : [SpeechRecogniser.Text(each.Symbols, _symbols)])];

    private static int Subsampling(ArmPlan arm) => (arm.Model?.Options as SpeechModelOptions)?.Subsampling ?? 4;

    private static Dictionary<string, double> Rates(IReadOnlyList<SpeechUtterance> utterances, IReadOnlyList<string> texts)
    {
        List<string> references = [.. utterances.Select(utterance => utterance.Text!)];
        var characters = ErrorRates.CorpusCharacters(references, texts).Rate;
        return new Dictionary<string, double> { ["wer"] = ErrorRates.CorpusWords(references, texts).Rate, ["cer"] = characters, ["character_accuracy"] = Math.Max(0, 1 - characters) };
    }

    // "right>wrong" a wrong word, "right>" a missing one, ">wrong" one too many.
    private static string[] Edits(string reference, string hypothesis) => [.. ErrorRates.WordEdits(reference, hypothesis).Select(edit => $"{edit.Reference}>{edit.Hypothesis}")];

    private int Beam => Math.Max(2, _recipe.Evaluation.Beam);

    private double Searched(IReadOnlyList<SpeechUtterance> utterances, List<(int SampleId, float[] Logits)> frames, LanguageFusion? fusion) =>
        Rates(utterances, [.. frames.Select(each => FusionTuning.Text(each.Logits, _symbols, Beam, fusion))])["wer"];

    // Weight and bonus are a network's own: one that is surer of itself needs less of a language model.
    private LanguageFusion? ChooseFusion(Network network, string folder)
    {
        if (_recipe.Evaluation.LanguageModel is not { } wanted || _language.Value is not { } model)
        {
            return null;
        }

        List<SpeechUtterance> utterances = [.. _corpus.Validation.Take(wanted.Utterances)];
        var fusion = new LanguageFusion(model, wanted.Level, 0, 0);
        var choice = FusionTuning.Choose(
            [.. SpeechRecogniser.Frames(AsCtc(network), Batches(utterances)).Select(each => (each.Logits, utterances[each.SampleId].Text!))], _symbols, Beam, fusion, wanted.Weights, wanted.Bonuses);
        RunJson.Save(Path.Combine(folder, "language_model.json"), choice);
        return fusion with { Weight = choice.Weight, Bonus = choice.Bonus };
    }

    private void WriteLanguageModel(RunDirectory directory, Action<string> note)
    {
        var path = Path.Combine(directory.Path, "language_model.arpa");
        if (_language.Value is { } model && !File.Exists(path))
        {
            using var text = new StringWriter();
            ArpaFile.Write(model, text);
            AtomicFile.WriteText(path, text.ToString());
            note($"language model of {_recipe.Evaluation.LanguageModel!.Level.ToString().ToLowerInvariant()}s: {string.Join(", ", Enumerable.Range(1, model.Order).Select(order => $"{model.Count(order)} {order}-grams"))}, in {Path.GetFileName(path)}");
        }
    }

    private SpeechBatches Batches(IReadOnlyList<SpeechUtterance> utterances, SpeechBatchOptions? options = null, DatasetInfo? info = null, FeatureCache? features = null) =>
        new(info ?? Info, utterances, _symbols, features ?? _features, options ?? new SpeechBatchOptions { BatchSize = MeasuringBatch });

    private bool Fits(SpeechUtterance utterance, int subsampling) =>
        utterance.Text is null || CtcDecoder.FramesNeeded(_symbols.Encode(utterance.Text)) <= (_features.FewestFrames(utterance) + subsampling - 1) / subsampling;

    private string TooLong(SpeechUtterance utterance, int subsampling) =>
        $"{utterance.Path}: more symbols than its frames allow after subsampling by {subsampling}{(_corpus.Options.SpeechAugment.Speed > 0 ? ", played at the fastest" : "")}";

    // What a teacher writes may be longer than what a student that halves more often can.
    private List<SpeechUtterance> Fitting(List<SpeechUtterance> targets, ArmPlan arm, int seed, RunDirectory directory, Action<string> note)
    {
        var subsampling = Subsampling(arm);
        var tight = targets.Where(utterance => !Fits(utterance, subsampling)).Select(utterance => $"{TooLong(utterance, subsampling)}: `{utterance.Text}`").ToList();
        if (tight.Count == 0)
        {
            return targets;
        }

        var file = $"left-out-{arm.Name.Replace('/', '-')}-seed-{seed}.txt";
        AtomicFile.WriteText(Path.Combine(directory.Path, file), string.Concat(tight.Select(line => line + "\n")));
        note($"{arm.Name}: {tight.Count} of {targets.Count} texts are left out for more symbols than frames; {file} names them, first {tight[0]}");
        return tight.Count < targets.Count
            ? [.. targets.Where(utterance => Fits(utterance, subsampling))]
            : throw new InvalidDataException($"{arm.Name}: every text of the teacher has more symbols than frames after subsampling by {subsampling}; lower the student's subsampling");
    }

    private List<SpeechUtterance> Trainable(int subsampling, Pool pool)
    {
        if (!_trainable.TryGetValue((subsampling, pool), out var utterances))
        {
            var all = pool switch { Pool.All => _corpus.AllTrain, Pool.Heard => _heard, _ => _corpus.Train };
            utterances = _trainable[(subsampling, pool)] = [.. all.Where(utterance => Fits(utterance, subsampling))];
            if (utterances.Count == 0)
            {
                throw new InvalidDataException($"{_corpus.Name}: every training utterance has more symbols than frames after subsampling by {subsampling}; lower subsampling, or check the transcripts");
            }
        }

        return utterances;
    }

    // Named in a file, counted in a note: nothing is left out in silence.
    private void NoteLeftOut(ArmPlan arm, RunDirectory directory, Action<string> note)
    {
        var subsampling = Subsampling(arm);
        var file = Path.Combine(directory.Path, $"left-out-subsampling-{subsampling}.txt");
        if (File.Exists(file))
        {
            return;
        }

        foreach (var (name, lines) in new[] { (ClippedFile, _corpus.Doubtful), (MistimedFile, _corpus.Mistimed) }.Where(entry => entry.Item2.Count > 0))
        {
            AtomicFile.WriteText(Path.Combine(directory.Path, name), string.Concat(lines.Select(line => line + "\n")));
        }

        var tight = _corpus.AllTrain.Except(Trainable(subsampling, Pool.All)).Select(utterance => TooLong(utterance, subsampling)).ToList();
        AtomicFile.WriteText(file, string.Concat(_corpus.LeftOut.Concat(tight).Select(line => line + "\n")));
        if (_corpus.LeftOut.Count + tight.Count > 0)
        {
            note($"{_corpus.LeftOut.Count + tight.Count} utterances are left out, {tight.Count} of them for more symbols than frames; {Path.GetFileName(file)} names them, first {_corpus.LeftOut.Concat(tight).First()}");
        }
    }

    // The teacher's spikes are kept with its job, for students that are measured later, perhaps in other processes.
    private void Spikes(int index, List<Heard> heard, int subsampling, string folder, Dictionary<string, double> metrics)
    {
        if (index > 0)
        {
            return;
        }

        var name = "test.spikes.json";
        RunJson.Save(Path.Combine(folder, name), new SpikeRecord(subsampling, [.. heard.Select(each => each.Symbols.Select(symbol => new[] { symbol.Label, symbol.Frame }).ToArray())]));
        if (_teacherFolder is { } other && other != folder && File.Exists(Path.Combine(other, name)))
        {
            var teacher = RunJson.Load<SpikeRecord>(Path.Combine(other, name));
            var apart = SpeechMetrics.SpikeDisagreement(
                [.. heard.Select(each => each.Symbols)], subsampling, [.. teacher.Symbols.Select(each => each.Select(pair => new CtcSymbol(pair[0], pair[1], 1)).ToList())], teacher.Subsampling);
            if (double.IsFinite(apart))
            {
                metrics["spike_disagreement"] = apart;
            }
        }
    }

    private sealed record SpikeRecord(int Subsampling, int[][][] Symbols);

    private enum Pool
    {
        Transcribed,
        Heard,
        All,
    }
}
