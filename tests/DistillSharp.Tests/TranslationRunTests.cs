using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Sequences;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Translation;
using TorchSharp;

namespace DistillSharp.Tests;

[Collection(nameof(TorchGenerator))]
public sealed class TranslationRunTests
{
    private const string Text = """
        data: {dataset: toy_phrases, pairs: 300, vocabulary: 520, validation_pairs: 10, test_pairs: 12}
        teacher: {model: transformer, width: 16, heads: 2, encoder_layers: 2, decoder_layers: 2, training: {epochs: 2}}
        student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1}
        objectives:
          sequence: {targets: {beam: 2, originals: true}, hard_labels: 1}
          word: {hard_labels: 0.5, terms: [{method: token_soft_target, weight: 0.5}, {method: hidden_states, student: encoder1, teacher: encoder2, weight: 0.1}]}
          on_policy: {targets: {by: student, share: 1}, hard_labels: 1, terms: [{method: token_jsd, beta: 0.5, weight: 1}]}
          from_layers:
            student: {model: transformer, width: 16, heads: 2, encoder_layers: 1, decoder_layers: 1}
            from_layers: {encoder: [2], decoder: [1]}
            hard_labels: 1
        training: {epochs: 1, batch_tokens: 200, optimizer: adamw, learning_rate: 0.003, schedule: inverse_sqrt, warm_up_epochs: 0.5, select: best, label_smoothing: 0.1}
        tuning: {learning_rate: [0.003]}
        evaluation: {beam: 2, latency: false}
        seeds: [0]
        """;

    [Fact]
    public void Run_Translation_TrainsMeasuresAndKeepsEverything()
    {
        using var folder = new TemporaryFolder();
        var (recipe, directory, results) = Run(folder, Text);

        Assert.Equal(["teacher", "plain", "sequence", "word", "on_policy", "from_layers"], results.Arms.Select(arm => arm.Name));
        Assert.Equal("bleu_greedy", results.PrimaryMetric);
        foreach (var arm in results.Arms)
        {
            Assert.All(new[] { "bleu_greedy", "bleu_beam", "chrf_greedy", "tokens_per_second", "tokens_per_second_beam", "length_ratio_greedy", "length_ratio_beam", "parameters" }, key => Assert.True(double.IsFinite(arm.Metrics[key].Mean)));
            var job = directory.JobFolder(arm.Name, 0);
            Assert.All(new[] { "test.source.txt", "test.reference.txt", "test.greedy.txt", "test.beam.txt" }, name => Assert.Equal(12, File.ReadAllLines(Path.Combine(job, name)).Length));
            Assert.All(new[] { "vocab.json", "merges.txt", "tokenizer.json" }, name => Assert.True(File.Exists(Path.Combine(job, name))));
        }

        var file = Assert.Single(Directory.GetFiles(directory.JobFolder("teacher", 0), "translations-*.jsonl"));
        Assert.Equal(1 + int.Parse(results.Data["train_samples"]), File.ReadAllLines(file).Length);
        Assert.Contains(JsonLinesReader.Read(directory.EventsFile).OfType<EpochEnded>(), epoch => epoch.Arm == "word" && epoch.Parts.ContainsKey("token_soft_target") && epoch.Parts.ContainsKey("hidden_states"));
        Assert.Contains(JsonLinesReader.Read(directory.EventsFile).OfType<EpochEnded>(), epoch => epoch.Arm == "on_policy" && epoch.Parts.Keys.SequenceEqual(["token_jsd"]));
        Assert.True(File.Exists(directory.StudentFile));

        foreach (var onnx in new[] { false, true })
        {
            using var translator = TrainedTranslator.Load(directory, recipe, "plain", 0, onnx);
            using var output = new StringWriter();
            var count = new LineTranslator(translator.Translator(new DecodingOptions { Beam = 1 })).Translate(new MemoryStream("the red house falls\n\n  \nopen %s\n"u8.ToArray()), "in", output, TestContext.Current.CancellationToken);
            var lines = output.ToString().Split('\n');
            Assert.Equal(4, count);
            Assert.Equal(5, lines.Length);
            Assert.All(new[] { 1, 2, 4 }, number => Assert.Empty(lines[number]));
            Assert.Contains("%s", lines[3]);
        }

        using var trained = TrainedArm.Load(recipe, directory, "plain", 0, null);
        Assert.Equal(results.Arm("plain")!.Metrics["bleu_greedy"].Mean, trained.Evaluate(validation: false)["bleu"], 1e-9);

        var again = Directory.CreateDirectory(folder.File("again")).FullName;
        Assert.Equal(12, trained.ExportOnnx(Path.Combine(again, "plain.onnx")).Samples);
        Assert.Equal(
            ["merges.txt", "onnx_parity.json", "plain.decoder.onnx", "plain.encoder.onnx", "tokenizer.json", "vocab.json"],
            Directory.GetFiles(again).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Run_FurtherSources_AreFilteredTranslatedAndLearnedWithTheOthers()
    {
        using var folder = new TemporaryFolder();
        var more = folder.File("more.txt");
        var text = (Text[..Text.IndexOf("  word:", StringComparison.Ordinal)] + Text[Text.IndexOf("training: {epochs: 1", StringComparison.Ordinal)..])
            .Replace("pairs: 300,", "pairs: 300, train_samples: 50,").Replace("beam: 2, originals: true", $"beam: 2, originals: true, source_text: {more}, left_out_sources: 20");
        var read = RecipeReader.Read(text, "toy", folder.Path).Recipe;
        var tested = ToyPhrases.Load((ToyPhrasesOptions)read.Dataset.Options, new SplitRequest(read.Data.Validation, read.Data.SplitSeed, read.Data.TrainSamples)).Test[0].Source;
        File.WriteAllLines(more, ["some words more", "", "and others", $"{tested}!", "Some words, more", new string('x', 4000)]);
        var (_, directory, results) = Run(folder, text);

        var file = Assert.Single(Directory.GetFiles(directory.JobFolder("teacher", 0), "translations-*.jsonl"));
        Assert.Equal(1 + 50 + 20 + 2, File.ReadAllLines(file).Length);
        Assert.Equal("50", results.Data["train_samples"]);
        Assert.Contains(
            JsonLinesReader.Read(directory.EventsFile).OfType<NoteLogged>(),
            note => note.Message.Contains($"2 sentences of {more} are translated too; 1 duplicate, 1 empty, 1 known from the data, 1 too long were dropped"));

        // What the run has trained needs the file no more.
        File.Delete(more);
        var recipe = RecipeReader.Read(File.ReadAllText(directory.RecipeFile), "run", directory.RecipeFolder).Recipe;
        using var translator = TrainedTranslator.Load(directory, recipe, null, null, onnx: false);
        Assert.Single(translator.Translator(new DecodingOptions { Beam = 1 }).Translate(["the red house"], TestContext.Current.CancellationToken).Texts);
    }

    [Fact]
    public void Run_ObjectiveTaughtByAnEarlierOne_LearnsWhatItsStudentWritesFromItsWeightsOn()
    {
        using var folder = new TemporaryFolder();
        var text = Text[..Text.IndexOf("  word:", StringComparison.Ordinal)]
            + "  own: {taught_by: sequence, from_layers: {encoder: [1], decoder: [1]}, targets: {beam: 2, originals: true}, tuning: {training.learning_rate: [1.0e-12]}}\n"
            + Text[Text.IndexOf("training: {epochs: 1", StringComparison.Ordinal)..];
        var (_, directory, results) = Run(folder, text);

        Assert.Single(Directory.GetFiles(directory.JobFolder("sequence", 0), "translations-*.jsonl"));
        Assert.Equal(Written("sequence"), Written("own"));
        Assert.NotEqual(Written("teacher"), Written("own"));
        Assert.True(results.Arm("own")!.Metrics["chain_cpu_seconds"].Mean > results.Arm("sequence")!.Metrics["cpu_seconds"].Mean);

        string Written(string arm) => File.ReadAllText(Path.Combine(directory.JobFolder(arm, 0), "test.beam.txt"));
    }

    [Fact]
    public void Run_AbsentSourceText_SaysSoBeforeAnythingIsTrained()
    {
        using var folder = new TemporaryFolder();
        var text = Text.Replace("beam: 2, originals: true", "beam: 2, source_text: absent.txt");
        Assert.Contains(RecipeReader.Read(text, "toy", folder.Path).Warnings, warning => warning.Contains("no file `absent.txt`, which `targets.source_text` of objectives.sequence names"));

        var error = Assert.Throws<FileNotFoundException>(() => Run(folder, text));

        Assert.Contains("sequence: there is no file `absent.txt`", error.Message);
        Assert.DoesNotContain(JsonLinesReader.Read(new RunDirectory(folder.File("run")).EventsFile), each => each is JobStarted);
    }

    [Fact]
    public void Run_SweepOfTheSequenceLevel_TriesWhatTheTeacherWrites()
    {
        const string Small = """
            data: {dataset: toy_phrases, pairs: 200, vocabulary: 520, validation_pairs: 5, test_pairs: 5}
            teacher: {model: transformer, width: 16, heads: 2, encoder_layers: 1, decoder_layers: 1}
            student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1}
            objective: {name: sequence, targets: {beam: 1, originals: true}}
            baselines: {plain: false}
            training: {epochs: 1, batch_tokens: 200, optimizer: adam, learning_rate: 0.003}
            evaluation: {beam: 1, latency: false}
            export: {onnx: false}
            seeds: [0]
            sweep: {trials: 2, space: {training.learning_rate: [0.002, 0.004]}}
            """;
        using var folder = new TemporaryFolder();
        var recipe = RecipeReader.Read(Small, "toy", folder.Path).Recipe;
        var directory = new RunDirectory(folder.File("sweep"));
        Sweep.Prepare(recipe, directory);

        var results = new Sweep(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        Assert.Equal(2, results.Rows.Count(row => row.Arm == "sequence"));
        // Once for both trials.
        Assert.Single(Directory.GetFiles(directory.JobFolder("teacher", 0), "translations-*.jsonl"));
    }

    [Fact]
    public void Run_SweepWhoseFirstTrialDiverges_ChoosesByTheMetricOfText()
    {
        const string Small = """
            data: {dataset: toy_phrases, pairs: 200, vocabulary: 520, validation_pairs: 5, test_pairs: 5}
            student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1}
            objectives: {again: {terms: []}, other: {terms: []}}
            baselines: {plain: true}
            training: {epochs: 1, batch_tokens: 200, optimizer: adam, learning_rate: 0.003}
            evaluation: {beam: 1, latency: false}
            seeds: [0]
            sweep: {trials: 2, search: grid, space: {training.learning_rate: [1.0e+30, 0.003]}}
            """;
        using var folder = new TemporaryFolder();
        var recipe = RecipeReader.Read(Small, "toy", folder.Path).Recipe;
        var directory = new RunDirectory(folder.File("sweep"));
        Sweep.Prepare(recipe, directory);

        var results = new Sweep(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        Assert.Equal("bleu", results.Select);
        Assert.All(results.Rows, row => Assert.Equal(row.Trial == 2, row.IsChosen));
        var failed = RunJson.Load<TrialResult>(directory.TrialFile("plain/trial-01", recipe.Sweep!.Seed));
        Assert.NotNull(failed.Failure);
        Assert.Equal("bleu", failed.SelectionMetric);
    }

    [Fact]
    public void StoredSequences_BeforeTheTeacherHasWritten_AreRefused()
    {
        var recipe = RecipeReader.Read(Text, "toy", ".").Recipe;
        var (arms, data) = (Arms.Of(recipe).ToDictionary(arm => arm.Name), RunData.Load(recipe, null));

        Assert.True(data.IsPrepared(arms["word"], 0));
        Assert.False(data.IsPrepared(arms["sequence"], 0));
        Assert.Contains("was not made yet", Assert.Throws<InvalidOperationException>(() => data.StoredSequences(arms["sequence"], 0, 8)).Message);
    }

    [Fact]
    public void Remarks_PairsThatTheFilterDrops_AreCounted()
    {
        using var folder = new TemporaryFolder();
        var pairs = folder.Write("pairs.tsv", string.Concat(Enumerable.Range(0, 400).Select(i => $"sentence number {i}\tfrase numero {i}\n")) + "sentence number 7\tfrase numero 7\nthe same\tthe same\n");
        var recipe = RecipeReader.Read(Text.Replace("dataset: toy_phrases, pairs: 300,", $"dataset: parallel_text, train: {pairs},"), "own", folder.Path).Recipe;

        Assert.Equal("pairs.tsv: pairs were dropped (1 copy, 1 duplicate)", Assert.Single(RunData.Load(recipe, null).Remarks));
    }

    [Fact]
    public void Remarks_TestFileOfMorePairsThanAreMeasured_AreCounted()
    {
        using var folder = new TemporaryFolder();
        string Pairs(string name, int first, int count) =>
            folder.Write(name, string.Concat(Enumerable.Range(first, count).Select(i => $"sentence number {i}\tfrase numero {i}\n")));
        var (train, test) = (Pairs("pairs.tsv", 0, 400), Pairs("test.tsv", 1000, 30));
        var text = Text.Replace("dataset: toy_phrases, pairs: 300,", $"dataset: parallel_text, train: {train}, test: {test},");

        Assert.Equal("pairs.tsv: 12 of 30 test pairs are measured; give `data: {test_pairs: 30}` for all", Assert.Single(RunData.Load(RecipeReader.Read(text, "own", folder.Path).Recipe, null).Remarks));
        Assert.Empty(RunData.Load(RecipeReader.Read(text.Replace("test_pairs: 12", "test_pairs: 30"), "own", folder.Path).Recipe, null).Remarks);
    }

    [Fact]
    public void Create_WeightsOfAnotherVocabulary_AreRefusedUnlessItIsGiven()
    {
        using var folder = new TemporaryFolder();
        var weights = folder.File("student.safetensors");
        var (plain, networks, data) = Plain(folder, Text);
        using (var network = networks.Create(plain, 0))
        {
            var metadata = new Dictionary<string, string>();
            data.Accompany(weights, plain.Model!, metadata);
            Provenance.WriteWeights(weights, network, metadata);
        }

        var other = Text.Replace("pairs: 300,", "pairs: 300, drawing_seed: 5,").Replace("student: {model: transformer, width: 8", $"student: {{model: transformer, weights: {weights}, width: 8");
        var (started, others, _) = Plain(folder, other);
        var error = Assert.Throws<InvalidDataException>(() => others.Create(started, 0));
        var (again, same, _) = Plain(folder, other.Replace("vocabulary: 520,", $"vocabulary: 520, tokenizer: {folder.Path},"));

        Assert.Contains($"{weights} was trained with another vocabulary", error.Message);
        Assert.Contains("`data.tokenizer: FOLDER`", error.Message);
        same.Create(again, 0).Dispose();
    }

    [Fact]
    public void Accompany_FolderOfAnotherVocabulary_IsLeftAsItIs()
    {
        using var folder = new TemporaryFolder();
        var (plain, _, data) = Plain(folder, Text);
        var (other, _, others) = Plain(folder, Text.Replace("pairs: 300,", "pairs: 300, drawing_seed: 5,"));
        data.Accompany(folder.File("a.onnx"), plain.Model!, []);
        data.Accompany(folder.File("b.onnx"), plain.Model!, []);
        var before = File.ReadAllText(folder.File("vocab.json"));

        Assert.Contains("holds another vocabulary", Assert.Throws<InvalidDataException>(() => others.Accompany(folder.File("c.onnx"), other.Model!, [])).Message);
        Assert.Equal(before, File.ReadAllText(folder.File("vocab.json")));

        // One of the files is enough to be another's.
        var own = Directory.CreateDirectory(folder.File("own")).FullName;
        File.WriteAllText(Path.Combine(own, "tokenizer.json"), "{}");
        Assert.Throws<InvalidDataException>(() => data.Accompany(Path.Combine(own, "a.onnx"), plain.Model!, []));
        Assert.Equal("{}", File.ReadAllText(Path.Combine(own, "tokenizer.json")));
    }

    [Fact]
    public void Run_MoreLeftOutSourcesThanThereAre_SaysHowMany()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.ThrowsAny<Exception>(() => Run(folder, Text.Replace("pairs: 300,", "pairs: 300, train_samples: 50,").Replace("beam: 2, originals: true", "beam: 2, left_out_sources: 2000")));

        Assert.Contains("targets.left_out_sources is 2000, but data.train_samples leaves", error.Message);
    }

    [Fact]
    public void Run_SameRecipeTwice_GivesTheSameWeights()
    {
        const string Small = """
            data: {dataset: toy_phrases, pairs: 200, vocabulary: 520, validation_pairs: 5, test_pairs: 5}
            student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1, decoder: ssru}
            objective: {scheme: mutual_learning, name: peers}
            baselines: {plain: true}
            tuning: {learning_rate: [0.003]}
            training: {epochs: 1, batch_tokens: 200, optimizer: adam, nesterov: false, learning_rate: 0.003}
            evaluation: {beam: 2, latency: false}
            seeds: [0]
            """;
        using var folder = new TemporaryFolder();
        var text = Small.Replace("objective: {scheme: mutual_learning, name: peers}", "objectives: {plain_again: {terms: []}, other: {terms: [{method: virtual_teacher}], name: other}}");

        string Weights(string name) => JobResult.Load(Run(folder, text, name).Directory.JobResultFile("plain", 0)).WeightsSha256!;

        Assert.Equal(Weights("a"), Weights("b"));
    }

    [Theory]
    [InlineData("width: 8, heads: 2, encoder_layers: 1", "width: 8, heads: 2, vocabulary: 600, encoder_layers: 1", "sequence-level distillation")]
    [InlineData("width: 8, heads: 2", "width: 8, heads: 3", "must divide width")]
    [InlineData("dataset: toy_phrases, pairs: 300", "dataset: parallel_text, train_source: a.txt", "train_target")]
    [InlineData("targets: {beam: 2, originals: true}", "targets: {by: student}", "such as `terms: [{method: token_jsd}]`")]
    [InlineData("pairs: 300,", "pairs: 300, unlabelled: rest, train_samples: 50,", "source_text")]
    [InlineData("from_layers: {encoder: [2], decoder: [1]}", "from_layers: {encoder: [3], decoder: [1]}", "must name 1 of the teacher's 2 layers")]
    [InlineData("width: 16, heads: 2, encoder_layers: 1", "width: 16, heads: 4, encoder_layers: 1", "from_layers needs layers that are alike")]
    [InlineData("beam: 2, originals: true", "beam: 2, left_out_sources: 5", "which is not given")]
    [InlineData("by: student, share: 1", "by: student, left_out_sources: 5", "that a teacher translates before training")]
    [InlineData("decoder_layers: 2, training: {epochs: 2}}", "decoder_layers: 2, store: kept, training: {epochs: 2}}", "cannot know what the student of on_policy will write")]
    [InlineData("decoder_layers: 2, training: {epochs: 2}}", "decoder_layers: 2, store: kept, training: {epochs: 2}}", "hidden_states of word reads the teacher's encoder2")]
    [InlineData("decoder_layers: 2, training: {epochs: 2}}", "decoder_layers: 2, store: {path: kept, views: 2}, training: {epochs: 2}}", "once for each position")]
    [InlineData("teacher: encoder2", "teacher: encoder7", "no feature point `encoder7`")]
    [InlineData("targets: {beam: 2, originals: true}", "targets: {choose: worst}", "choose")]
    public void Read_FaultyTranslationRecipe_SaysWhat(string before, string after, string expected)
    {
        Assert.Contains(before, Text);

        var error = Assert.Throws<Config.ConfigException>(() => RecipeReader.Read(Text.Replace(before, after), "x", "."));

        Assert.Contains(error.Errors, fault => fault.ToString().Contains(expected));
    }

    private static (ArmPlan Arm, ArmNetworks Networks, RunData Data) Plain(TemporaryFolder folder, string text)
    {
        var recipe = RecipeReader.Read(text, "toy", folder.Path).Recipe;
        var (arms, data) = (Arms.Of(recipe), RunData.Load(recipe, null));
        return (arms.First(arm => arm.Name == "plain"), new ArmNetworks(arms, new RunDirectory(folder.File("run")), data, torch.CPU, 1), data);
    }

    private static (Recipe Recipe, RunDirectory Directory, RunResults Results) Run(TemporaryFolder folder, string text, string name = "run")
    {
        var recipe = RecipeReader.Read(text, "toy", folder.Path).Recipe;
        var directory = new RunDirectory(folder.File(name));
        Experiment.Prepare(recipe, directory);
        using var events = new JsonLinesWriter(directory.EventsFile);
        return (recipe, directory, new Experiment(recipe, directory, events).Run(TestContext.Current.CancellationToken));
    }
}
