using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers;

namespace DistillSharp.Tests;

/// <summary>Whole runs with <c>teacher.engine</c>.</summary>
[Collection(nameof(ChainRuns))]
public sealed class TeacherEngineTests : IDisposable
{
    private const string Text =
        """
        teacher: {model: small_cnn, channels: [4, 4], engine: ENGINE}
        objectives:
          soft: {terms: [{method: soft_target}]}
          hints: {terms: [{method: fitnet, student: hidden1, teacher: penultimate}]}
        seeds: [0, 1]
        """;

    private readonly ChainRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Run_InOnnxRuntime_TrainsTheStudentsThatTorchTrains()
    {
        var (_, torch, _) = _runs.Run(With("torch"));
        var (_, onnx, events) = _runs.Run(With("onnxruntime"));

        var choice = RunJson.Load<EngineChoice>(onnx.EngineFile("teacher"));
        Assert.Equal(TeacherEngine.Onnxruntime, choice.Engine);
        Assert.Equal(["penultimate"], choice.Features);
        Assert.Single(events.OfType<NoteLogged>(), note => note.Message.StartsWith("teacher is run by onnxruntime", StringComparison.Ordinal));
        Assert.False(File.Exists(torch.EngineFile("teacher")));
        foreach (var (arm, seed) in new[] { ("soft", 0), ("soft", 1), ("hints", 0), ("hints", 1) })
        {
            var (expected, actual) = (JobResult.Load(torch.JobResultFile(arm, seed)), JobResult.Load(onnx.JobResultFile(arm, seed)));
            Assert.Equal(expected.Metrics["nll"], actual.Metrics["nll"], 3);
        }

        Assert.Equal(ChainRuns.Hash(torch.WeightsFile("plain", 0)), ChainRuns.Hash(onnx.WeightsFile("plain", 0)));
        // ONNX Runtime puts the batch normalisation into the convolution, which rounds otherwise on any processor.
        Assert.NotEqual(ChainRuns.Hash(torch.WeightsFile("soft", 0)), ChainRuns.Hash(onnx.WeightsFile("soft", 0)));
    }

    [Fact]
    public void Run_InterruptedInOnnxRuntime_GoesOnToTheSameBits()
    {
        var text = With("onnxruntime");
        var whole = _runs.Run(text).Directory;
        var directory = _runs.Prepare(text);
        Assert.Null(_runs.Continue(text, directory, stop: runEvent => runEvent is StepLogged { Arm: "soft", Seed: 1 }).Results);
        var (_, events) = _runs.Continue(text, directory);

        Assert.DoesNotContain(events.OfType<NoteLogged>(), note => note.Message.Contains("is run by", StringComparison.Ordinal));
        Assert.Equal(ChainRuns.Hashes(whole), ChainRuns.Hashes(directory));
    }

    [Fact]
    public void Run_SideBySide_ChoosesOnceBeforeTheJobs()
    {
        var text = With("onnxruntime");
        var one = _runs.Run(text).Directory;
        var (_, two, events) = _runs.Run(text, jobs: 2);

        Assert.Equal(ChainRuns.Hashes(one), ChainRuns.Hashes(two));
        Assert.Single(events.OfType<NoteLogged>(), note => note.Message.Contains("is run by", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_Auto_ObeysWhatTheDirectorySays()
    {
        var named = _runs.Run(With("onnxruntime")).Directory;
        var directory = _runs.Prepare(With("auto"));
        RunJson.Save(directory.EngineFile("teacher"), new EngineChoice(TeacherEngine.Onnxruntime, "an earlier process measured"));
        _runs.Continue(With("auto"), directory);

        Assert.Equal(ChainRuns.Hashes(named), ChainRuns.Hashes(directory));
    }

    [Fact]
    public void Run_AutoWithLittleToDo_StaysWithTorch()
    {
        var torch = _runs.Run(With("torch")).Directory;
        var auto = _runs.Run(With("auto")).Directory;

        var choice = RunJson.Load<EngineChoice>(auto.EngineFile("teacher"));
        Assert.Equal(TeacherEngine.Torch, choice.Engine);
        // Two batches an epoch and two seeds: two epochs of hints, one of logits, which are computed once where samples do not change.
        Assert.Contains("its 12 passes", choice.Reason, StringComparison.Ordinal);
        Assert.Equal(ChainRuns.Hashes(torch), ChainRuns.Hashes(auto));
    }

    [Fact]
    public void Run_SeveralTeachers_EachHasItsEngine()
    {
        var (_, directory, _) = _runs.Run(
            """
            teachers:
              one: {model: mlp, widths: [16], engine: onnxruntime}
              other: {model: mlp, widths: [12], engine: torch}
            objective: {terms: [{method: similarity, student: hidden1, teacher: one.hidden1}]}
            seeds: [0]
            """);

        Assert.Equal(["hidden1"], RunJson.Load<EngineChoice>(directory.EngineFile("teacher.one")).Features);
        Assert.False(File.Exists(directory.EngineFile("teacher.other")));
    }

    private static string With(string engine) => Text.Replace("ENGINE", engine, StringComparison.Ordinal);
}
