using System.Diagnostics;
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
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Metrics;
using DistillSharp.Text.Models;
using DistillSharp.Text.Tokenization;
using DistillSharp.Text.Translation;
using DistillSharp.Training;

namespace DistillSharp;

/// <summary>Parallel text: vocabularies, batches of pairs, and translations that are measured.</summary>
internal sealed class TranslationData : RunData
{
    private const double LargestMargin = 1e-3;
    private const int TimedAlone = 50;

    private readonly Recipe _recipe;
    private readonly ParallelCorpus _corpus;
    private readonly TextCodec _codec;
    private readonly Dictionary<int, TextCodec> _codecs = [];
    private readonly Dictionary<(string Arm, int Seed), List<SentencePair>> _targets = [];
    private readonly Dictionary<string, List<EncodedPair>> _encoded = [];

    /// <summary>Learns the vocabulary on the training pairs, unless one is given.</summary>
    public TranslationData(Recipe recipe, ParallelCorpus corpus)
    {
        (_recipe, _corpus) = (recipe, corpus);
        if (recipe.Objectives.FirstOrDefault(entry => entry.Value.Targets?.LeftOutSources > corpus.LeftOut.Count) is { Key: { } name, Value: { } plan })
        {
            throw new ArgumentException($"{name}: targets.left_out_sources is {plan.Targets!.LeftOutSources}, but data.train_samples leaves {corpus.LeftOut.Count} other sources");
        }

        _codec = corpus.Options.Tokenizer is { } folder ? new TextCodec(VocabularyFiles.Load(folder)) : Codec(corpus.Options.Vocabulary);
        Info = InfoOf(_codec);
        Validation = Batches("validation", corpus.Validation, Info, _codec, new ParallelBatchOptions { BatchSize = 64 });
        Test = Batches("test", corpus.Test, Info, _codec, new ParallelBatchOptions { BatchSize = 64 });
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
        .. Reasons(_corpus.Dropped) is { Length: > 0 } reasons ? [$"{_corpus.Name}: pairs were dropped ({reasons})"] : Array.Empty<string>(),
        .. _corpus.GivenTestPairs > _corpus.Test.Count
            ? [$"{_corpus.Name}: {_corpus.Test.Count} of {_corpus.GivenTestPairs} test pairs are measured; give `data: {{test_pairs: {_corpus.GivenTestPairs}}}` for all"]
            : Array.Empty<string>(),
    ];

    /// <inheritdoc/>
    public override string SelectionMetric => "bleu";

    /// <inheritdoc/>
    public override string PrimaryMetric => "bleu_greedy";

    /// <inheritdoc/>
    public override double Megabytes => _corpus.Train.Sum(pair => (pair.Source.Length + pair.Target.Length) * 4.0) / 1e6;

    /// <inheritdoc/>
    public override DatasetInfo InfoFor(ModelSpec model) => InfoOf(CodecOf(model));

    /// <inheritdoc/>
    public override void Prepare(ArmPlan arm, int seed, ArmNetworks networks, RunDirectory directory, Action<string> note, CancellationToken cancellation)
    {
        if (arm.Plan.Targets is not { By: TargetWriter.Teacher } options || _targets.ContainsKey((arm.Name, seed)))
        {
            return;
        }

        var teacher = networks.Find(arm.Writer);
        var writer = arm.Plan.TaughtBy ?? "the teacher";
        List<SentencePair> pairs = [.. _corpus.Train, .. FurtherSources(options, text => note($"{arm.Name}: {text}")).Select(source => new SentencePair(source, "", ""))];
        var key = new Dictionary<string, string>
        {
            ["teacher_sha256"] = networks.WeightsSha256(teacher, seed),
            ["vocabulary_sha256"] = CodecOf(teacher.Model!).Tokens.VocabularySha256,
            ["beam"] = options.Beam.ToString(CultureInfo.InvariantCulture),
            ["length_penalty"] = options.LengthPenalty.ToString("R", CultureInfo.InvariantCulture),
            ["sources_sha256"] = ParallelCorpus.Sha256(pairs.Select(pair => pair with { Target = "" })),
        };
        var name = FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join('|', key.Values)))[..12];
        var path = Path.Combine(directory.JobFolder(teacher.Name, teacher.SeedFor(seed)), $"translations-{name}.jsonl");
        Network? network = null;
        try
        {
            var decoding = new DecodingOptions { Beam = options.Beam, LengthPenalty = options.LengthPenalty };
            var made = TeacherTranslations.Get(
                path, key, [.. pairs.Select(pair => pair.Source)],
                () => SentenceTranslator.Of((TransformerModel)(network = networks.LoadNetwork(teacher, seed)), CodecOf(teacher.Model!), decoding),
                text => note($"{arm.Name}: {text}"), cancellation);
            var chosen = made.Pairs(pairs, options.Choose, out var dropped);
            if (dropped.Count > 0)
            {
                note($"{arm.Name}: of {pairs.Count} translations of {writer} {Reasons(dropped)} were dropped");
            }

            if (chosen.Count == 0 && !options.Originals)
            {
                throw new InvalidOperationException($"{arm.Name}: no translation of {writer} is worth learning; it has not learned to translate (see its BLEU)");
            }

            _targets[(arm.Name, seed)] = options.Originals ? [.. chosen, .. _corpus.Train] : chosen;
        }
        finally
        {
            network?.Dispose();
        }
    }

    /// <inheritdoc/>
    public override bool IsPrepared(ArmPlan arm, int seed) => arm.Plan.Targets is not { By: TargetWriter.Teacher } || _targets.ContainsKey((arm.Name, seed));

    /// <inheritdoc/>
    public override IBatchSource Source(ArmPlan arm, StagePlan stage, int seed, BatchPartner partner, bool fixedViews)
    {
        var codec = arm.Model is { } model ? CodecOf(model) : _codec;
        var pairs = _targets.GetValueOrDefault((arm.Name, seed));
        return Batches(pairs is null ? "train" : $"{arm.Name}/{seed}", pairs ?? _corpus.Train, InfoOf(codec), codec, new ParallelBatchOptions
        {
            BatchTokens = stage.Training.BatchTokens,
            BatchSize = stage.Training.BatchSize,
            Shuffle = true,
            Seed = DerivedSeed.Of(seed, "data"),
        });
    }

    /// <inheritdoc/>
    public override IBatchSource StoredSequences(ArmPlan arm, int seed, int batchSize)
    {
        if (!IsPrepared(arm, seed))
        {
            throw new InvalidOperationException($"{arm.Name}/seed-{seed}: what its teacher writes was not made yet, and the store is to hold the teacher's distributions over it");
        }

        var codec = CodecOf(arm.Model!);
        var pairs = _targets.GetValueOrDefault((arm.Name, seed));
        return Batches(pairs is null ? "train" : $"{arm.Name}/{seed}", pairs ?? _corpus.Train, InfoOf(codec), codec, new ParallelBatchOptions { BatchSize = batchSize });
    }

    /// <inheritdoc/>
    public override Dictionary<string, string> StoreFields() => new()
    {
        ["vocabulary"] = _codec.Tokens.VocabularySha256,
        ["rows"] = "source tokens and target tokens before the position",
    };

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Validate(Network network) => Evaluate(network, validation: true);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(Network network, bool validation)
    {
        var pairs = validation ? _corpus.Validation : _corpus.Test;
        var (texts, _, _) = Translate(network, pairs, beam: 1);
        var references = References(pairs);
        return new Dictionary<string, double> { ["bleu"] = Bleu.Corpus(texts, references).Score, ["chrf"] = ChrF.Corpus(texts, references) };
    }

    /// <inheritdoc/>
    public override MeasuredNetwork Measure(Network network, string folder)
    {
        Translate(network, [.. _corpus.Test.Take(32)], beam: 1);
        var (greedy, greedyTokens, greedySeconds) = Translate(network, _corpus.Test, beam: 1);
        var (beam, beamTokens, beamSeconds) = Translate(network, _corpus.Test, _recipe.Evaluation.Beam);
        var references = References(_corpus.Test);
        foreach (var (name, lines) in new (string, IEnumerable<string>)[] { ("source", _corpus.Test.Select(pair => pair.Source)), ("reference", _corpus.Test.Select(pair => pair.Target)), ("greedy", greedy), ("beam", beam) })
        {
            AtomicFile.WriteText(Path.Combine(folder, $"test.{name}.txt"), string.Concat(lines.Select(line => line + "\n")));
        }

        var bleu = new Bleu();
        var counts = new Dictionary<string, CorpusCounts> { ["bleu_greedy"] = bleu.CountAll(greedy, references), ["bleu_beam"] = bleu.CountAll(beam, references) };
        var (ofGreedy, ofBeam) = (bleu.Explain(counts["bleu_greedy"].Sum(), 1), bleu.Explain(counts["bleu_beam"].Sum(), 1));
        var metrics = new Dictionary<string, double>
        {
            ["bleu_greedy"] = ofGreedy.Score,
            ["bleu_beam"] = ofBeam.Score,
            ["beam_gain"] = ofBeam.Score - ofGreedy.Score,
            ["length_ratio_greedy"] = ofGreedy.LengthRatio,
            ["length_ratio_beam"] = ofBeam.LengthRatio,
            ["chrf_greedy"] = ChrF.Corpus(greedy, references),
            ["chrf_beam"] = ChrF.Corpus(beam, references),
            ["tokens_per_second"] = greedyTokens / greedySeconds,
            ["tokens_per_second_beam"] = beamTokens / beamSeconds,
        };
        metrics["macs"] = TransformerCost.MultiplyAdds((TransformerModel)network, MeanTokens(network, pair => pair.Source), MeanTokens(network, pair => pair.Target));
        if (_recipe.Evaluation.Latency)
        {
            metrics["sentence_ms"] = 1000 * Evaluation.Statistics.Quantile([.. _corpus.Test.Take(TimedAlone).Select(pair => Translate(network, [pair], beam: 1).Seconds).Order()], 0.5);
        }

        return new MeasuredNetwork(metrics, [], []) { Counts = counts.ToDictionary(entry => entry.Key, entry => entry.Value.Sentences.ToArray()) };
    }

    /// <inheritdoc/>
    public override void Accompany(string weights, ModelSpec model, Dictionary<string, string> metadata)
    {
        var (codec, folder) = (CodecOf(model), Path.GetDirectoryName(weights)!);
        if (VocabularyFiles.AreOthers(codec.Encoding, folder))
        {
            throw new InvalidDataException($"{folder} holds another vocabulary, which what lies there needs; write into another folder");
        }

        metadata[TranslationFiles.VocabularySha256] = codec.Tokens.VocabularySha256;
        VocabularyFiles.Save(codec.Encoding, folder);
    }

    /// <inheritdoc/>
    public override ParityResult? WriteOnnx(Network network, string path, Dictionary<string, string> metadata)
    {
        var (encoder, decoder) = (TranslationFiles.Encoder(path), TranslationFiles.DecoderStep(path));
        var model = (TransformerModel)network;
        TranslationExporter.Write(model, encoder, decoder, metadata);
        model.eval();
        using var exported = new OnnxTranslationModel(encoder, decoder);
        var codec = CodecOf(model);
        // The exported model reads no longer ones.
        var sentences = _corpus.Test.Select(pair => pair.Source).Where(source => codec.EncodeSource(source).Tokens.Length <= TranslationExporter.LongestSequence).Take(_recipe.Export.ParitySamples).ToList();
        var mismatches = TranslationFiles.Compare(model, exported, codec, sentences, _recipe.Evaluation.Beam);
        AtomicFile.WriteText(Path.Combine(Path.GetDirectoryName(path)!, "onnx_parity.json"), JsonSerializer.Serialize(new { sentences = sentences.Count, mismatches }, RunJson.Line));
        // Rounding may turn a step where two tokens are as good as each other; more than that is another network.
        if (mismatches.Where(mismatch => mismatch.Margin > LargestMargin).ToList() is { Count: > 0 } wrong)
        {
            throw new ParityException($"{encoder}: {wrong.Count} sentences of {sentences.Count} are translated otherwise than by the network, such as `{wrong[0].Sentence}`: `{wrong[0].Found}` instead of `{wrong[0].Expected}`");
        }

        return new ParityResult(sentences.Count, double.NaN, sentences.Count - mismatches.Select(mismatch => mismatch.Sentence).Distinct().Count()) { Files = [encoder, decoder] };
    }

    /// <inheritdoc/>
    public override Dictionary<string, string> Fingerprint() => new()
    {
        ["dataset"] = _corpus.Name,
        ["train_samples"] = _corpus.Train.Count.ToString(CultureInfo.InvariantCulture),
        ["validation_samples"] = _corpus.Validation.Count.ToString(CultureInfo.InvariantCulture),
        ["test_samples"] = _corpus.Test.Count.ToString(CultureInfo.InvariantCulture),
        ["train_sha256"] = ParallelCorpus.Sha256(_corpus.Train),
        ["validation_sha256"] = ParallelCorpus.Sha256(_corpus.Validation),
        ["test_sha256"] = ParallelCorpus.Sha256(_corpus.Test),
        ["vocabulary_sha256"] = _codec.Tokens.VocabularySha256,
        ["bleu_signature"] = new Bleu().Signature(1),
    };

    /// <inheritdoc/>
    protected override void CheckLaterFiles()
    {
        if (_recipe.Objectives.FirstOrDefault(entry => entry.Value.Targets?.SourceText is { } file && !File.Exists(file)) is { Key: { } name, Value: { } plan })
        {
            throw new FileNotFoundException($"{name}: there is no file `{plan.Targets!.SourceText}`, which targets.source_text names; relative paths start at the recipe's folder, and at the current one where nothing is there");
        }
    }

    private static IReadOnlyList<IReadOnlyList<string>> References(IReadOnlyList<SentencePair> pairs) => [.. pairs.Select(pair => (IReadOnlyList<string>)[pair.Target])];

    private DatasetInfo InfoOf(TextCodec codec) => new(_corpus.Name, [], []) { Sequence = codec.Tokens };

    private TextCodec CodecOf(ModelSpec model) => model.Options is TransformerOptions { Vocabulary: { } size } ? Codec(size) : _codec;

    private TextCodec CodecOf(TransformerModel network) => network.Tokens.VocabularySha256 == _codec.Tokens.VocabularySha256
        ? _codec
        : _codecs.Values.First(each => each.Tokens.VocabularySha256 == network.Tokens.VocabularySha256);

    private TextCodec Codec(int size)
    {
        if (!_codecs.TryGetValue(size, out var codec))
        {
            codec = _codecs[size] = new TextCodec(BytePairEncoding.Learn(_corpus.Train.Select(pair => Placeholders.Hide(pair.Source, pair.Target)).SelectMany(pair => new[] { pair.Source, pair.Target }), size));
        }

        return codec;
    }

    // Text from elsewhere passes the filter that the pairs passed, and brings nothing that is learned or measured already.
    private List<string> FurtherSources(TeacherTargetsOptions options, Action<string> note)
    {
        List<string> leftOut = [.. ParallelCorpus.Limit(_corpus.LeftOut, options.LeftOutSources ?? 0, _recipe.Data.SplitSeed).Select(pair => pair.Source)];
        if (options.SourceText is not { } file)
        {
            return leftOut;
        }

        var filter = new PairFilter(_corpus.Options);
        HashSet<string> known = [.. _corpus.Train.Concat(_corpus.Validation).Concat(_corpus.Test).Select(pair => pair.Source).Concat(leftOut).Select(PairFilter.Normalise)];
        List<string> kept = [.. filter.Apply(TextLines.Read(file), known)];
        if (filter.Dropped.Count > 0)
        {
            note($"{kept.Count} sentences of {file} are translated too; {Reasons(filter.Dropped)} were dropped");
        }

        return [.. kept, .. leftOut];
    }

    private static string Reasons(IReadOnlyDictionary<string, int> dropped) => string.Join(", ", dropped.Where(entry => entry.Value > 0).Select(entry => $"{entry.Value} {entry.Key}"));

    private double MeanTokens(Network network, Func<SentencePair, string> side) =>
        _corpus.Test.Average(pair => CodecOf((TransformerModel)network).Encode(new SentencePair(side(pair), "", "")).Source.Length);

    // Encoded once for all stages and epochs.
    private ParallelBatches Batches(string name, IReadOnlyList<SentencePair> pairs, DatasetInfo info, TextCodec codec, ParallelBatchOptions options)
    {
        var key = $"{name}|{codec.Tokens.VocabularySha256}";
        if (!_encoded.TryGetValue(key, out var encoded))
        {
            encoded = _encoded[key] = [.. pairs.Select(codec.Encode)];
        }

        return new ParallelBatches(info, encoded, options);
    }

    private (string[] Texts, long Tokens, double Seconds) Translate(Network network, IReadOnlyList<SentencePair> pairs, int beam)
    {
        if (network is not TransformerModel model)
        {
            throw new NotSupportedException($"{network.GetName()} does not translate; use the model `transformer`");
        }

        var (training, watch) = (network.training, Stopwatch.StartNew());
        network.eval();
        var (texts, tokens) = SentenceTranslator.Of(model, CodecOf(model), new DecodingOptions { Beam = beam, LengthPenalty = _recipe.Evaluation.LengthPenalty }).Translate([.. pairs.Select(pair => pair.Source)]);
        network.train(training);
        return (texts, tokens, watch.Elapsed.TotalSeconds);
    }
}
