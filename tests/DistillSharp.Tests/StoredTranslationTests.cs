using DistillSharp.Data;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers.Store;
using DistillSharp.Text.Translation;

namespace DistillSharp.Tests;

[Collection(nameof(TorchGenerator))]
public sealed class StoredTranslationTests
{
    private const string Text = """
        data: {dataset: toy_phrases, pairs: 200, vocabulary: 520, validation_pairs: 8, test_pairs: 8}
        teacher: {model: transformer, width: 16, heads: 2, encoder_layers: 1, decoder_layers: 1, training: {epochs: 2}}
        student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1}
        objectives:
          word: {hard_labels: 0.5, terms: [{method: token_soft_target, weight: 0.5}]}
          sequence_word: {targets: {beam: 1, originals: true}, hard_labels: 0.5, terms: [{method: token_soft_target, weight: 0.5}]}
        baselines: {plain: false}
        training: {epochs: 2, batch_tokens: 300, optimizer: adam, learning_rate: 0.003}
        tuning: {learning_rate: [0.003]}
        evaluation: {beam: 1, latency: false}
        export: {onnx: false}
        seeds: [0]
        """;

    private const string Teacher = "decoder_layers: 1, training: {epochs: 2}}";

    [Fact]
    public void Run_StoreOfWholeLogits_TrainsAsTheLiveTeacherDoes()
    {
        using var folder = new TemporaryFolder();
        var live = Losses(Run(folder, Text, "live"));
        var stored = Losses(Run(folder, WithStore("{path: kept, precision: float32}"), "stored"));

        Assert.Equal(live.Keys, stored.Keys);
        // Batches of other lengths round otherwise.
        Assert.All(live, entry => Assert.Equal(entry.Value, stored[entry.Key], 1e-4));
    }

    [Theory]
    [InlineData("top_k: 8")]
    [InlineData("samples: 16")]
    public void Run_SparseStore_IsFilledOnceAndReadAgain(string kind)
    {
        using var folder = new TemporaryFolder();
        var text = WithStore($"{{path: kept, {kind}}}");
        var first = Run(folder, text, "first");
        int rows;
        using (var store = TeacherStore.Open(folder.File("kept")))
        {
            rows = store.RowCount;
            Assert.Equal([520], store.Manifest.Logits);
            Assert.Contains("vocabulary", store.Manifest.Key.Keys);
        }

        var again = Run(folder, text, "again");

        Assert.InRange(rows, 300, 10_000);
        Assert.Contains(Notes(first), text => text.Contains("outputs for word") && text.Contains("batches stored"));
        Assert.DoesNotContain(Notes(again), text => text.Contains("batches stored"));
        using var after = TeacherStore.Open(folder.File("kept"));
        Assert.Equal(rows, after.RowCount);
        Assert.Equal(Losses(first), Losses(again));
    }

    [Fact]
    public void Run_StoreOfAnotherTeacher_IsRefusedByField()
    {
        using var folder = new TemporaryFolder();
        var text = WithStore("{path: kept, top_k: 8}");
        Run(folder, text, "first");

        var weights = Assert.Throws<InvalidDataException>(() => Run(folder, text.Replace("training: {epochs: 2}}", "seed: 7, training: {epochs: 2}}"), "other"));
        var layout = Assert.Throws<InvalidDataException>(() => Run(folder, text.Replace("top_k: 8", "top_k: 9"), "wider"));

        Assert.Contains("does not fit: teacher is ", weights.Message);
        Assert.Contains("top_k is 8 in the store and 9 here", layout.Message);
    }

    [Fact]
    public void Rows_SamePrefixOfOtherTargets_AreTheSame()
    {
        var tokens = new SequenceInfo(20, 0, 1, 2, "");
        EncodedPair[] pairs = [new([5, 6, 2], [7, 8, 9, 2]), new([5, 6, 2], [7, 8, 2]), new([6, 5, 2], [7, 8, 2])];
        using var batch = ParallelBatches.Make(pairs, [0, 1, 2], tokens);
        using var alone = ParallelBatches.Make(pairs, [1], tokens);

        var (ids, isValid) = SequenceRows.Of(batch);

        Assert.Equal([true, true, true, true, true, true, true, false, true, true, true, false], isValid);
        Assert.Equal(ids[..3], ids[4..7]);
        Assert.Equal(ids[4], ids[7]);
        Assert.Equal(ids[4..7], SequenceRows.Of(alone).Ids);
        // Four prefixes of one source and three of the other.
        Assert.Equal(7, ids.Distinct().Count());
    }

    private static string WithStore(string store)
    {
        Assert.Contains(Teacher, Text);
        return Text.Replace(Teacher, $"decoder_layers: 1, store: {store}, training: {{epochs: 2}}}}");
    }

    private static Dictionary<string, double> Losses(RunDirectory directory) => JsonLinesReader.Read(directory.EventsFile).OfType<EpochEnded>()
        .Where(epoch => epoch.Arm != "teacher").ToDictionary(epoch => $"{epoch.Arm}/{epoch.Epoch}", epoch => epoch.Parts["token_soft_target"]);

    private static IEnumerable<string> Notes(RunDirectory directory) => JsonLinesReader.Read(directory.EventsFile).OfType<NoteLogged>().Select(note => note.Message);

    private static RunDirectory Run(TemporaryFolder folder, string text, string name)
    {
        var recipe = RecipeReader.Read(text, "toy", folder.Path).Recipe;
        var directory = new RunDirectory(folder.File(name));
        Experiment.Prepare(recipe, directory);
        using var events = new JsonLinesWriter(directory.EventsFile);
        new Experiment(recipe, directory, events).Run(TestContext.Current.CancellationToken);
        return directory;
    }
}
