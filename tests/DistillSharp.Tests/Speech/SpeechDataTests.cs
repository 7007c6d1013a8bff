using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Sequences.LanguageModels;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Recognition;
using TorchSharp;

namespace DistillSharp.Tests.Speech;

/// <summary>Data of speech as a run sees it, without any training.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class SpeechDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Measure_SecondNetwork_ReadsTheTestRecordingsAnew()
    {
        var (recipe, _, data) = Load(30, "");
        using var network = recipe.Student.Create(data.InfoFor(recipe.Student));
        Assert.True(data.Measure(network, _folder.Path).Metrics["real_time_factor"] > 0);
        File.Delete(_folder.File("test-0.wav"));
        Assert.Throws<FileNotFoundException>(() => data.Measure(network, _folder.Path));
    }

    [Fact]
    public void Prepare_TextsLongerThanTheStudentsFrames_AreLeftOutAndNamed()
    {
        var (recipe, corpus, data) = Load(30, "");
        var (directory, arms, notes) = (new RunDirectory(_folder.File("run")), Arms.Of(recipe), new List<string>());
        directory.Create();
        Directory.CreateDirectory(directory.JobFolder(ArmNames.Teacher, 0));
        File.WriteAllText(directory.WeightsFile(ArmNames.Teacher, 0), "weights");
        // What the teacher wrote is there already, under the key of its weights, its search and what it heard.
        var key = $"{FileHash.Sha256(directory.WeightsFile(ArmNames.Teacher, 0))}|2|0.5|{SpeechCorpus.Sha256(corpus.Train)}";
        RunJson.Save(
            Path.Combine(directory.JobFolder(ArmNames.Teacher, 0), $"transcripts-{FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(key))[..12]}.json"),
            corpus.Train.Select((utterance, i) => new[] { i == 0 ? new string('a', 1000) : utterance.Text! }).ToList());
        var student = arms.Single(arm => arm.Name == "sequence");
        data.Prepare(student, 0, new ArmNetworks(arms, directory, data, torch.CPU, 1), directory, notes.Add, TestContext.Current.CancellationToken);

        Assert.Contains(notes, note => note.StartsWith($"sequence: 1 of {corpus.Train.Count} texts are left out for more symbols than frames; left-out-sequence-seed-0.txt names them", StringComparison.Ordinal));
        Assert.StartsWith(corpus.Train[0].Path, File.ReadAllText(Path.Combine(directory.Path, "left-out-sequence-seed-0.txt")), StringComparison.Ordinal);
        Assert.Equal(corpus.Train.Count - 1, data.Source(student, student.Plan.Stages[0], 0).SampleCount);
    }

    [Fact]
    public void Source_TextsThatDoNotFitTheFastestPlay_AreLeftOut()
    {
        // 6 frames, which become 2 of the network's for two letters; at 1.5 times the speed 4, which become 1.
        WavFile.Write(_folder.File("short.wav"), new AudioClip([.. Enumerable.Range(0, 400).Select(i => 0.3f * MathF.Sin(i))], 8000));
        int Samples(string data, out int tight)
        {
            var (recipe, corpus, read) = Load(30, data, ["ab", "cd", "de", "ea", "be", "ce"]);
            tight = corpus.Train.Count(utterance => Path.GetFileName(utterance.Path) == "short.wav");
            var plain = Arms.Of(recipe).Single(arm => arm.Name == ArmNames.Plain);
            return corpus.Train.Count - read.Source(plain, plain.Plan.Stages[0], 0).SampleCount;
        }

        Assert.Equal(0, Samples("", out var own));
        Assert.NotEqual(0, own);
        Assert.Equal(own, Samples(", speech_augment: {speed: 0.5}", out _));
    }

    [Fact]
    public void Prepare_RestWithoutTranscripts_IsNotReadByTheLanguageModel()
    {
        var (recipe, corpus, data) = Load(110, ", train_samples: 40, unlabelled: rest");
        var (directory, arms) = (new RunDirectory(_folder.File("run")), Arms.Of(recipe));
        directory.Create();
        data.Prepare(arms.Single(arm => arm.Name == ArmNames.Teacher), 0, new ArmNetworks(arms, directory, data, torch.CPU, 1), directory, _ => { }, TestContext.Current.CancellationToken);

        Assert.True(corpus.AllTrain.Count > 40);
        Assert.Equal(Model(corpus.Train), File.ReadAllText(Path.Combine(directory.Path, "language_model.arpa")));
        Assert.NotEqual(Model(corpus.AllTrain), Model(corpus.Train));
    }

    [Theory]
    [InlineData(TranscriberFile.Alphabet, " abcd", " was trained with 5 symbols (` abcd`), and this run has 6 symbols (` abcde`), the first other one at place 6, ")]
    [InlineData(TranscriberFile.Alphabet, "abcde ", " was trained with 6 symbols (`abcde `), and this run has 6 symbols (` abcde`), the first other one at place 1, ")]
    [InlineData(TranscriberFile.Symbols, "[\" \", \"ab\"]", " was trained with 2 symbols (` |ab`), and this run has 6 symbols (` abcde`), the first other one at place 2, ")]
    [InlineData(TranscriberFile.Symbols, "ab", ": speech.symbols of its metadata must be a JSON list of texts")]
    [InlineData(TranscriberFile.SampleRate, "16000", " was trained on 16000 samples a second, and this run has 8000, ")]
    public void Create_WeightsOfOtherSymbolsOrRate_AreRefused(string key, string value, string message)
    {
        var (recipe, _, data) = Load(30, "");
        var arms = Arms.Of(recipe);
        var teacher = arms.Single(arm => arm.Name == ArmNames.Teacher);
        var networks = new ArmNetworks(arms, new RunDirectory(_folder.File("run")), data, torch.CPU, 1);
        using var network = networks.Create(teacher, 0);
        var (weights, metadata) = (_folder.File("teacher.safetensors"), new Dictionary<string, string>());
        void Start()
        {
            Safetensors.Write(weights, network, metadata);
            networks.Create(teacher with { Weights = weights }, 0).Dispose();
        }

        Start();
        data.Accompany(weights, teacher.Model!, metadata);
        Start();
        metadata[key] = value;
        Assert.StartsWith(weights + message, Assert.Throws<InvalidDataException>(() => Start()).Message, StringComparison.Ordinal);
    }

    private static string Model(IReadOnlyList<SpeechUtterance> utterances)
    {
        using var text = new StringWriter();
        ArpaFile.Write(NgramTrainer.Train(utterances.Select(utterance => LanguageFusion.Tokens(utterance.Text!, LanguageModelLevel.Character)), 2), text);
        return text.ToString();
    }

    // Every one of the short texts is said to be in short.wav; none may be drawn for validation, or the recording is not trained on.
    private (Recipe Recipe, SpeechCorpus Corpus, RunData Data) Load(int count, string data, params string[] shortTexts)
    {
        var (train, test) = (ToneWords.Write(_folder, "train", count, 1), ToneWords.Write(_folder, "test", 3, 2));
        File.AppendAllText(train, string.Concat(shortTexts.Select(text => $"{{\"path\": \"short.wav\", \"text\": \"{text}\"}}\n")));
        var recipe = RecipeReader.Read(
            $$$"""
            name: tones
            data: {dataset: speech_manifest, train: [{{{train}}}], test: {tones: {{{test}}} }, alphabet: " abcde", mels: 16, validation: 0.2{{{data}}} }
            teacher: {model: ctc_gru, layers: 1, width: 8, channels: 8}
            student: {model: ctc_gru, layers: 1, width: 8, channels: 8}
            objectives:
              sequence: {targets: {beam: 2, length_penalty: 0.5, max_wer: 10}}
            evaluation: {beam: 2, latency: false, language_model: {level: character, order: 2, weights: [0.5], bonuses: [0], utterances: 2}}
            seeds: [0]
            """, "tones", _folder.Path).Recipe;
        var corpus = (SpeechCorpus)recipe.Dataset.Entry.LoadDomain!(
            recipe.Dataset.Options, new DataLocator(null), new SplitRequest(recipe.Data.Validation, recipe.Data.SplitSeed, recipe.Data.TrainSamples));
        return (recipe, corpus, new SpeechData(recipe, corpus));
    }
}
