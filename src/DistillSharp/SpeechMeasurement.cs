using System.Diagnostics;
using System.Text.Json;
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

namespace DistillSharp;

/// <summary>Measures networks of speech: error rates of greedy and of beam search, of the latter with a language model too, time, and how far symbols are from the teacher's frames.</summary>
internal sealed class SpeechMeasurement
{
    private const int MeasuringBatch = 16;

    private const string SpikesFile = "test.spikes.json";

    private readonly EvaluationSection _evaluation;
    private readonly SpeechCorpus _corpus;
    private readonly FeatureCache _features;
    private readonly ISymbolCodec _symbols;
    private readonly DatasetInfo _info;
    private readonly Lazy<NgramModel?> _language;

    /// <summary>Learns a language model once it is asked for.</summary>
    /// <param name="recipe">How to search.</param>
    /// <param name="corpus">The test sets, and the validation utterances on which the language model's weight is chosen.</param>
    /// <param name="features">Features of the utterances.</param>
    /// <param name="symbols">What labels stand for.</param>
    /// <param name="info">What the samples are.</param>
    public SpeechMeasurement(Recipe recipe, SpeechCorpus corpus, FeatureCache features, ISymbolCodec symbols, DatasetInfo info)
    {
        (_evaluation, _corpus, _features, _symbols, _info) = (recipe.Evaluation, corpus, features, symbols, info);
        // What students do not read, their language model does not either; symbols are the teacher's too, which may.
        var read = (recipe.Unlabelled is null ? corpus.AllTrain : corpus.Train).Select(utterance => utterance.Text).OfType<string>();
        _language = new Lazy<NgramModel?>(() => recipe.Evaluation.LanguageModel is not { } wanted ? null
            : wanted.File is { } file ? Loaded(file, wanted.Level, symbols) : NgramTrainer.Train(read.Select(text => LanguageFusion.Tokens(text, wanted.Level)), wanted.Order));
    }

    /// <summary>Width of beams: at least 2.</summary>
    public int Beam => Math.Max(2, _evaluation.Beam);

    /// <summary>Utterances in batches as they are measured.</summary>
    public SpeechBatches Batches(IReadOnlyList<SpeechUtterance> utterances) => Batches(utterances, _features);

    /// <summary>Error rates of greedy search, and the accuracy that chooses the best epoch.</summary>
    /// <param name="network">The network.</param>
    /// <param name="utterances">The utterances.</param>
    /// <param name="source">The same in batches.</param>
    public Dictionary<string, double> Rates(Network network, IReadOnlyList<SpeechUtterance> utterances, IBatchSource source) => Rates(utterances, Best(network, source, 1));

    /// <summary>Everything on the test sets.</summary>
    /// <param name="network">The network.</param>
    /// <param name="folder">Its job's folder, for what it hears and where.</param>
    /// <param name="teacherFolder">That of its teacher; null where it has none.</param>
    public MeasuredNetwork Measure(Network network, string folder, string? teacherFolder)
    {
        var (metrics, counts) = (new Dictionary<string, double>(), new Dictionary<string, double[][]>());
        foreach (var (index, (name, utterances)) in _corpus.Tests.Index())
        {
            // The first set is timed, and its recordings are read anew: an arm that is measured later pays for its features as the first one does.
            var features = index == 0 ? new FeatureCache(_corpus.Options with { CacheMegabytes = 0 }) : _features;
            var watch = Stopwatch.StartNew();
            var batches = Batches(utterances, features);
            var frames = network is CtcNetwork spoken ? SpeechRecogniser.Frames(spoken, batches).OrderBy(each => each.SampleId).ToList() : [];
            List<IReadOnlyList<CtcSymbol>> heard = [.. frames.Select(each => CtcDecoder.Greedy(each.Logits, _symbols.Symbols.Count + 1))];
            List<string> texts = network is CtcNetwork ? [.. heard.Select(each => SpeechRecogniser.Text(each, _symbols))] : Best(network, batches, 1);
            var seconds = watch.Elapsed.TotalSeconds;
            var rates = Rates(utterances, texts);
            counts[index == 0 ? "wer" : $"wer_{name}"] = ErrorRates.BySentence(utterances.Zip(texts, (utterance, text) => ErrorRates.Words(utterance.Text!, text)));
            if (index == 0)
            {
                (metrics["wer"], metrics["cer"]) = (rates["wer"], rates["cer"]);
                metrics["real_time_factor"] = seconds / Math.Max(1e-9, utterances.Sum(utterance => _features.Frames(utterance) / 100.0));
                metrics["wer_beam"] = network is CtcNetwork ? Searched(utterances, frames, null) : Rates(utterances, Best(network, Batches(utterances), Beam))["wer"];
                if (network is CtcNetwork searched && ChooseFusion(searched, folder) is { } fusion)
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
            if (index == 0 && network is CtcNetwork ctc)
            {
                Spikes(heard, ctc.Subsampling, folder, teacherFolder, metrics);
            }
        }

        return new MeasuredNetwork(metrics, [], []) { Counts = counts };
    }

    /// <summary>Writes the language model into a run, once; nothing where there is none.</summary>
    public void WriteLanguageModel(RunDirectory directory, Action<string> note)
    {
        var path = Path.Combine(directory.Path, "language_model.arpa");
        if (_language.Value is { } model && !File.Exists(path))
        {
            using var text = new StringWriter();
            ArpaFile.Write(model, text);
            AtomicFile.WriteText(path, text.ToString());
            note($"language model of {_evaluation.LanguageModel!.Level.ToString().ToLowerInvariant()}s: {string.Join(", ", Enumerable.Range(1, model.Order).Select(order => $"{model.Count(order)} {order}-grams"))}, in {Path.GetFileName(path)}");
        }
    }

    private static Dictionary<string, double> Rates(IReadOnlyList<SpeechUtterance> utterances, IReadOnlyList<string> texts)
    {
        List<string> references = [.. utterances.Select(utterance => utterance.Text!)];
        var characters = ErrorRates.CorpusCharacters(references, texts).Rate;
        return new Dictionary<string, double> { ["wer"] = ErrorRates.CorpusWords(references, texts).Rate, ["cer"] = characters, ["character_accuracy"] = Math.Max(0, 1 - characters) };
    }

    // "right>wrong" a wrong word, "right>" a missing one, ">wrong" one too many.
    private static string[] Edits(string reference, string hypothesis) => [.. ErrorRates.WordEdits(reference, hypothesis).Select(edit => $"{edit.Reference}>{edit.Hypothesis}")];

    // The teacher's spikes are kept with its job, for students that are measured later, perhaps in other processes.
    private static void Spikes(List<IReadOnlyList<CtcSymbol>> heard, int subsampling, string folder, string? teacherFolder, Dictionary<string, double> metrics)
    {
        RunJson.Save(Path.Combine(folder, SpikesFile), new SpikeRecord(subsampling, [.. heard.Select(each => each.Select(symbol => new[] { symbol.Label, symbol.Frame }).ToArray())]));
        if (teacherFolder is not null && teacherFolder != folder && File.Exists(Path.Combine(teacherFolder, SpikesFile)))
        {
            var teacher = RunJson.Load<SpikeRecord>(Path.Combine(teacherFolder, SpikesFile));
            var apart = SpeechMetrics.SpikeDisagreement(heard, subsampling, [.. teacher.Symbols.Select(each => each.Select(pair => new CtcSymbol(pair[0], pair[1], 1)).ToList())], teacher.Subsampling);
            if (double.IsFinite(apart))
            {
                metrics["spike_disagreement"] = apart;
            }
        }
    }

    private SpeechBatches Batches(IReadOnlyList<SpeechUtterance> utterances, FeatureCache features) => new(_info, utterances, _symbols, features, new SpeechBatchOptions { BatchSize = MeasuringBatch });

    private List<string> Best(Network network, IBatchSource source, int beam) =>
        [.. SpeechRecogniser.Texts(network, source, _symbols, new DecodingOptions { Beam = beam, LengthPenalty = _evaluation.LengthPenalty }).Select(nBest => nBest[0])];

    private double Searched(IReadOnlyList<SpeechUtterance> utterances, List<(int SampleId, float[] Logits)> frames, LanguageFusion? fusion) =>
        Rates(utterances, [.. frames.Select(each => FusionTuning.Text(each.Logits, _symbols, Beam, fusion))])["wer"];

    private static NgramModel Loaded(string file, LanguageModelLevel level, ISymbolCodec symbols)
    {
        var model = ArpaFile.Load(file);
        new LanguageFusion(model, level, 0, 0).Check(symbols.Symbols, file);
        return model;
    }

    // Weight and bonus are a network's own: one that is surer of itself needs less of a language model.
    private LanguageFusion? ChooseFusion(CtcNetwork network, string folder)
    {
        if (_evaluation.LanguageModel is not { } wanted || _language.Value is not { } model)
        {
            return null;
        }

        List<SpeechUtterance> utterances = [.. _corpus.Validation.Take(wanted.Utterances)];
        var fusion = new LanguageFusion(model, wanted.Level, 0, 0);
        var choice = FusionTuning.Choose(
            [.. SpeechRecogniser.Frames(network, Batches(utterances)).Select(each => (each.Logits, utterances[each.SampleId].Text!))], _symbols, Beam, fusion, wanted.Weights, wanted.Bonuses);
        RunJson.Save(Path.Combine(folder, "language_model.json"), choice);
        return fusion with { Weight = choice.Weight, Bonus = choice.Bonus };
    }

    private sealed record SpikeRecord(int Subsampling, int[][][] Symbols);
}
