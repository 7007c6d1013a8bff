using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

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
            Assert.All(new[] { "bleu_greedy", "bleu_beam", "chrf_greedy", "tokens_per_second", "tokens_per_second_beam", "parameters" }, key => Assert.True(double.IsFinite(arm.Metrics[key].Mean)));
            var job = directory.JobFolder(arm.Name, 0);
            Assert.All(new[] { "test.source.txt", "test.reference.txt", "test.greedy.txt", "test.beam.txt" }, name => Assert.Equal(12, File.ReadAllLines(Path.Combine(job, name)).Length));
            Assert.All(new[] { "vocab.json", "merges.txt", "tokenizer.json" }, name => Assert.True(File.Exists(Path.Combine(job, name))));
        }

        var file = Assert.Single(Directory.GetFiles(directory.JobFolder("teacher", 0), "translations-*.jsonl"));
        Assert.Equal(1 + int.Parse(results.Data["train_samples"]), File.ReadAllLines(file).Length);
        Assert.Contains(JsonLinesReader.Read(directory.EventsFile).OfType<EpochEnded>(), epoch => epoch.Arm == "word" && epoch.Parts.ContainsKey("token_soft_target") && epoch.Parts.ContainsKey("hidden_states"));
        Assert.Contains(JsonLinesReader.Read(directory.EventsFile).OfType<EpochEnded>(), epoch => epoch.Arm == "on_policy" && epoch.Parts.Keys.SequenceEqual(["token_jsd"]));
        Assert.True(File.Exists(directory.StudentFile));

        using var trained = TrainedArm.Load(recipe, directory, "plain", 0, null);
        Assert.Equal(results.Arm("plain")!.Metrics["bleu_greedy"].Mean, trained.Evaluate(validation: false)["bleu"], 1e-9);
    }

    [Fact]
    public void Run_FurtherSources_AreTranslatedAndLearnedWithTheOthers()
    {
        using var folder = new TemporaryFolder();
        var more = folder.File("more.txt");
        File.WriteAllLines(more, ["some words more", "", "and others"]);
        var text = Text[..Text.IndexOf("  word:", StringComparison.Ordinal)] + Text[Text.IndexOf("training: {epochs: 1", StringComparison.Ordinal)..];
        var (_, directory, results) = Run(folder, text.Replace("pairs: 300,", "pairs: 300, train_samples: 50,").Replace("beam: 2, originals: true", $"beam: 2, originals: true, source_text: {more}, left_out_sources: 20"));

        var file = Assert.Single(Directory.GetFiles(directory.JobFolder("teacher", 0), "translations-*.jsonl"));
        Assert.Equal(1 + 50 + 20 + 2, File.ReadAllLines(file).Length);
        Assert.Equal("50", results.Data["train_samples"]);
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
    [InlineData("beam: 2, originals: true", "beam: 2, source_text: absent.txt", "no file `absent.txt`")]
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

    [Fact]
    public void Run_LayersThatDoNotFit_SaysWhich()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<JobsFailedException>(() => Run(folder, Text.Replace("from_layers: {encoder: [2], decoder: [1]}", "from_layers: {encoder: [3], decoder: [1]}").Replace("epochs: 2", "epochs: 1")));

        Assert.Contains("must name 1 of the teacher's 2 layers", error.Message);
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
