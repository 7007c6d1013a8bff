using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;

namespace DistillSharp.Tests;

/// <summary>Whole runs whose teacher's outputs are stored.</summary>
[Collection(nameof(ChainRuns))]
public sealed class StoredTeacherTests : IDisposable
{
    private readonly ChainRuns _runs = new();
    private readonly TemporaryFolder _folder = new();

    private string StorePath => _folder.File("store");

    public void Dispose()
    {
        _runs.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Run_FloatStore_TrainsWhatTheLiveTeacherTrainsAndIsReadAgain()
    {
        var (_, live, _) = _runs.Run(Text("{model: mlp, widths: [16]}"));
        var (_, first, filled) = _runs.Run(Text(Stored("precision: float32")));
        Assert.Equal(JobResult.Load(live.JobResultFile("soft", 1)).Metrics["nll"], JobResult.Load(first.JobResultFile("soft", 1)).Metrics["nll"], 3);
        Assert.Contains(filled.OfType<NoteLogged>(), note => note.Message.Contains("samples stored", StringComparison.Ordinal));

        // Another run with the same teacher reads what is there, and so trains the same bits.
        var (_, second, read) = _runs.Run(Text(Stored("precision: float32")));
        Assert.DoesNotContain(read.OfType<NoteLogged>(), note => note.Message.Contains("samples stored", StringComparison.Ordinal));
        Assert.Equal(ChainRuns.Hashes(first), ChainRuns.Hashes(second));
    }

    [Fact]
    public void Run_AutoEngine_ObeysTheEngineThatTheStoreWasFilledBy()
    {
        // So little would be chosen for torch.
        var filled = _runs.Run(Text("{model: mlp, widths: [16], engine: onnxruntime, store: {path: " + StorePath + "}}")).Directory;
        var read = _runs.Run(Text("{model: mlp, widths: [16], engine: auto, store: {path: " + StorePath + "}}")).Directory;

        Assert.Equal("onnxruntime", StoreManifest.Load(StorePath).Key["teacher.engine"]);
        Assert.Equal(ChainRuns.Hashes(filled), ChainRuns.Hashes(read));
    }

    [Fact]
    public void Run_InterruptedAndResumed_GoesOnToTheSameBits()
    {
        var text = Text(Stored("precision: int8, top_k: 4, temperature: 2"));
        var whole = _runs.Run(text).Directory;
        var directory = _runs.Prepare(text);
        Assert.Null(_runs.Continue(text, directory, stop: runEvent => runEvent is StepLogged { Arm: "soft", Seed: 0 }).Results);
        _runs.Continue(text, directory);
        Assert.Equal(ChainRuns.Hashes(whole), ChainRuns.Hashes(directory));
    }

    [Fact]
    public void Run_StoreAlone_TeachesAndIsMeasuredAsTheTeacherItIsOf()
    {
        var text = Text(Stored("precision: float32"));
        var (_, with, _) = _runs.Run(text);
        Assert.Contains("on which the teacher is measured", Assert.Throws<InvalidDataException>(() => _runs.Run(Text($"{{store: {StorePath}}}"))).Message, StringComparison.Ordinal);

        new StoreTeaching(_runs.Read(text), with, null).Fill(new TeachRange(), new Progress<TeachProgress>(), _ => { }, TestContext.Current.CancellationToken);
        var (_, alone, _) = _runs.Run(Text($"{{store: {StorePath}}}"));
        Assert.Equal(ChainRuns.Hash(with.WeightsFile("soft", 1)), ChainRuns.Hash(alone.WeightsFile("soft", 1)));
        var (expected, measured) = (JobResult.Load(with.JobResultFile("teacher", 0)), JobResult.Load(alone.JobResultFile("teacher", 0)));
        Assert.Equal(expected.Predictions, measured.Predictions);
        Assert.Equal(expected.Metrics["nll"], measured.Metrics["nll"], 5);
    }

    [Fact]
    public void Run_StoreOfAnotherTeacher_IsRefusedWithTheField()
    {
        _runs.Run(Text(Stored("precision: float32")));
        var error = Assert.Throws<InvalidDataException>(() => _runs.Run(Text(Stored("precision: float32").Replace("seed: 0", "seed: 7", StringComparison.Ordinal))));
        Assert.Matches("does not fit: teacher is [0-9a-f]{12}… in the store and [0-9a-f]{12}… here", error.Message);
    }

    [Fact]
    public void Run_EnsembleAndFeatures_AreStoredOnce()
    {
        var text = Text("").Replace("teacher: ", $"teachers: {{a: {{model: mlp, widths: [16]}}, b: {{model: mlp, widths: [12]}}, store: {{path: {StorePath}, precision: float16}}}}", StringComparison.Ordinal)
            .Replace("terms: [", "terms: [{method: fitnet, student: hidden1, teacher: b.hidden1, weight: 0.1}, ", StringComparison.Ordinal);
        _runs.Run(text);
        using var store = TeacherStore.Open(StorePath);
        Assert.Equal(["b.hidden1"], store.Manifest.Features.Keys);
        Assert.Equal("torch", store.Manifest.Key["teacher.a.engine"]);
        Assert.Equal([0], store.Views);
    }

    [Fact]
    public void Fill_EnsembleWhoseMemberHasAStoreToo_HoldsWhatTheTeachersSayOfEverySplit()
    {
        var members = $"a: {{model: mlp, widths: [16], store: {{path: {_folder.File("member")}, precision: float32}}}}, b: {{model: mlp, widths: [12]}}";
        var text = Text("").Replace("teacher: ", $"teachers: {{{members}, store: {{path: {StorePath}, precision: float32}}}}", StringComparison.Ordinal);
        var (_, with, _) = _runs.Run(text);
        new StoreTeaching(_runs.Read(text), with, null).Fill(new TeachRange(), new Progress<TeachProgress>(), _ => { }, TestContext.Current.CancellationToken);

        Assert.Equal(3, StoreMaintenance.StoresIn(_folder.File("member")).Count);
        Assert.Equal(3, StoreMaintenance.StoresIn(StorePath).Count);
        var (_, alone, _) = _runs.Run(Text($"{{store: {StorePath}}}"));
        var (expected, measured) = (JobResult.Load(with.JobResultFile("teacher", 0)), JobResult.Load(alone.JobResultFile("teacher", 0)));
        Assert.Equal(expected.Predictions, measured.Predictions);
        Assert.Equal(expected.Metrics["nll"], measured.Metrics["nll"], 5);
    }

    [Fact]
    public void Fill_TeacherThatNoStudentReads_IsRunByTorch()
    {
        var text = Text(Stored("precision: float32")).Replace("method: soft_target, temperature: 2", "method: virtual_teacher", StringComparison.Ordinal);
        var directory = _runs.Run(text).Directory;
        new StoreTeaching(_runs.Read(text), directory, null).Fill(new TeachRange(), new Progress<TeachProgress>(), _ => { }, TestContext.Current.CancellationToken);

        var choice = RunJson.Load<EngineChoice>(directory.EngineFile("teacher"));
        Assert.Equal((TeacherEngine.Torch, "no student reads it"), (choice.Engine, choice.Reason));
        using var store = TeacherStore.Open(StorePath);
        Assert.NotEqual(0, store.RowCount);
    }

    private string Stored(string keys) => $"{{model: mlp, widths: [16], seed: 0, store: {{path: {StorePath}, {keys}}}}}";

    private static string Text(string teacher) =>
        $$"""
        teacher: {{teacher}}
        objectives:
          soft: {terms: [{method: soft_target, temperature: 2}]}
        seeds: [0, 1]
        """;
}
