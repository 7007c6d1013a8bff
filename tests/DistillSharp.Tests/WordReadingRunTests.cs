using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Tests.Vision;
using DistillSharp.Vision.Reading;
using static TorchSharp.torch;

namespace DistillSharp.Tests;

/// <summary>Reading words end to end, with a file that reads text as teacher.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class WordReadingRunTests
{
    [Fact]
    public void Run_TeacherWithADictionary_TeachesAStudentAndIsMeasuredByTheTrueText()
    {
        using var folder = new TemporaryFolder();
        // Untrained: a file of the right shape is enough to see who gets what.
        random.manual_seed(1);
        using (var elsewhere = new CtcCnn(new CtcCnnOptions { Channels = [4, 4, 4, 4, 4] }, WordTextCorpus.Info))
        {
            DistillSharp.Tests.Teachers.OnnxFiles.Write(elsewhere, WordTextCorpus.Info, folder.File("reader.onnx"));
        }

        // Its outputs in another order than the data's, space last.
        var symbols = WordTextCorpus.Alphabet.Characters.Trim().Reverse().ToArray();
        File.WriteAllText(folder.File("keys.txt"), string.Join('\n', symbols));
        var recipe = RecipeReader.Read(
            $$$"""
            name: words
            data: {dataset: word_text, fonts: {{{TestFonts.Folder}}}, train: 24, test: 8, validation: 0.25}
            teacher: {onnx: reader.onnx, dictionary: keys.txt, colour: grey, mean: [0.5], deviation: [0.5]}
            student: {model: ctc_cnn, channels: [4, 4, 8, 8, 8]}
            objectives:
              frame: {hard_labels: 0, terms: [{method: ctc_frame}]}
            training: {epochs: 2, batch_size: 8, optimizer: adamw, learning_rate: 0.002}
            evaluation: {latency: false}
            seeds: [0]
            """, "words", folder.Path).Recipe;
        var directory = new RunDirectory(folder.File("run"));
        Experiment.Prepare(recipe, directory);
        var results = new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        Assert.Equal("cer", results.PrimaryMetric);
        foreach (var arm in new[] { "teacher", "plain", "frame" })
        {
            var metrics = results.Arm(arm)!.Metrics;
            Assert.True(metrics["cer"].Mean > 0);
            Assert.Equal(Math.Max(0, 1 - metrics["cer"].Mean), metrics["character_accuracy"].Mean, 9);
        }

        Assert.True(File.Exists(directory.OnnxFile));
    }

    [Fact]
    public void Load_TestFonts_AreNotThoseOfTraining()
    {
        var corpus = WordTextCorpus.Load(new WordTextOptions { Fonts = TestFonts.Folder, Train = 20, Test = 10 }, new DistillSharp.Data.DataLocator(null), new DistillSharp.Data.SplitRequest(0.2, 0, 8));
        Assert.Equal((8, 4, 10), (corpus.Train.Texts.Length, corpus.Validation.Texts.Length, corpus.Test.Texts.Length));
        Assert.All(corpus.Train.Texts, text => Assert.Empty(WordTextCorpus.Alphabet.Unknown(text)));
        using var batch = new WordTextBatches(corpus.Test, 3, seed: 1).Epoch(0, 1, TestContext.Current.CancellationToken).First();
        var (id, labels) = ((int)batch.SampleIds[1], batch.Targets!.data<long>().ToArray()[(int)batch.Targets.shape[1]..(2 * (int)batch.Targets.shape[1])]);
        Assert.Equal(corpus.Test.Texts[id], WordTextCorpus.Alphabet.Decode(labels.Where(label => label >= 0).Select(label => (int)label)));
        Assert.Equal(corpus.Test.Pixels[(id * WordTextCorpus.Size) + 5000] / 255f, batch.Input[1].flatten()[5000].item<float>(), 6);
    }
}
