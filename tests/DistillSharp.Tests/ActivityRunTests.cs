using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Speech.Activity;
using DistillSharp.Speech.Models;
using DistillSharp.Tests.Speech;
using static TorchSharp.torch;

namespace DistillSharp.Tests;

/// <summary>Voice activity end to end, with a file that reads a stream as teacher.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class ActivityRunTests
{
    [Fact]
    public void Run_StreamingTeacher_TeachesAStudentWhoseFileStreamsToo()
    {
        using var folder = new TemporaryFolder();
        var (train, test) = (ToneWords.Write(folder, "train", 12, 1), ToneWords.Write(folder, "test", 4, 2));
        // Untrained: a file of the right shape is enough to see who gets what.
        random.manual_seed(1);
        using var elsewhere = new ActivityGru(new ActivityGruOptions { Mels = 8, Channels = 4, Width = 4 }, new("scenes", [ActivityOptions.Chunk], ["no_speech", "speech"]) { HasEqualLengths = true });
        ActivityExport.Write(elsewhere, folder.File("teacher.onnx"), new Dictionary<string, string>());
        var recipe = RecipeReader.Read(
            $$$"""
            name: activity
            data: {dataset: voice_activity, speech: [{{{train}}}], test_speech: [{{{test}}}], train: 24, test: 6, seconds: 1.024, validation: 0.25}
            teacher: {onnx_stream: teacher.onnx, output: logits, chunk: 256, context: 256, states: {state: next_state}}
            student: {model: activity_gru, mels: 8, channels: 8, width: 8}
            objectives:
              kept: {hard_labels: 0, terms: [{method: token_soft_target}]}
              asked: {hard_labels: 0, terms: [{method: token_soft_target}], training: {cache_teacher: false}}
            training: {epochs: 3, batch_size: 5, optimizer: adamw, learning_rate: 0.02}
            evaluation: {latency: true}
            seeds: [0]
            """, "activity", folder.Path).Recipe;
        var directory = new RunDirectory(folder.File("run"));
        Experiment.Prepare(recipe, directory);
        var results = new Experiment(recipe, directory, new SilentSink()).Run(TestContext.Current.CancellationToken);

        Assert.Equal("auc", results.PrimaryMetric);
        Assert.All(["teacher", "plain", "kept", "asked"], arm => Assert.InRange(results.Arm(arm)!.Metrics["auc"].Mean, 0, 1));
        // The teacher's outputs are the same, whether they are kept in memory or asked for in every step.
        Assert.Equal(results.Arm("asked")!.Metrics["auc"].Mean, results.Arm("kept")!.Metrics["auc"].Mean, 6);
        Assert.True(File.Exists(directory.OnnxFile));
        using var trained = TrainedArm.Load(recipe, directory, "plain", 0, null);
        Assert.InRange(trained.ExportOnnx(folder.File("again.onnx")).LargestDifference, 0, 2e-3);
        Assert.True(new FileInfo(folder.File("teacher.onnx")).Length == (long)JobResult.Load(directory.JobResultFile("teacher", 0)).Metrics["bytes"]);
    }

    [Fact]
    public void Check_AnotherNetwork_IsRefused()
    {
        using var folder = new TemporaryFolder();
        DistillSharp.Data.DatasetInfo info = new("scenes", [8 * ActivityOptions.Chunk], ["no_speech", "speech"]) { HasEqualLengths = true };
        random.manual_seed(2);
        using var one = new ActivityGru(new ActivityGruOptions { Mels = 8, Channels = 4, Width = 4 }, info);
        using var other = new ActivityGru(new ActivityGruOptions { Mels = 8, Channels = 4, Width = 4 }, info);
        ActivityExport.Write(one, folder.File("one.onnx"), new Dictionary<string, string>());
        using var batch = DistillSharp.Data.Batch.Of(rand(3, 8 * ActivityOptions.Chunk) - 0.5, null, [0, 1, 2]);

        Assert.InRange(ActivityExport.Check(one, folder.File("one.onnx"), batch), 0, 1e-4);
        Assert.Throws<DistillSharp.Export.Onnx.ParityException>(() => ActivityExport.Check(other, folder.File("one.onnx"), batch));
    }
}
