using System.Diagnostics;
using DistillSharp.Export;
using DistillSharp.Teachers.Store;

namespace DistillSharp.Tests.Runs;

/// <summary>The real program fills a store and is killed, interrupted, run twice at once and left without room.</summary>
public sealed class StoreKillTests : IDisposable
{
    private const int TrainingSamples = 1132;
    private const int Rows = 2 * TrainingSamples;

    private readonly TemporaryFolder _folder = new();

    public StoreKillTests()
    {
        // Random weights teach as well as trained ones here.
        using var network = new DistillSharp.Models.SmallCnn(new DistillSharp.Models.SmallCnnOptions { Channels = [4, 4] }, Models.SampleData.Images(1, 8, 10));
        Safetensors.Write(_folder.File("teacher.safetensors"), network);
        File.WriteAllText(
            _folder.File("recipe.yaml"),
            """
            name: stored
            data: {dataset: digits, augment: {shift: 1}}
            teacher: {model: small_cnn, channels: [4, 4], weights: teacher.safetensors, store: {path: store, views: 2}}
            student: {model: mlp, widths: [8]}
            objective: {terms: [{method: soft_target}]}
            training: {epochs: 3}
            baselines: {plain: false}
            evaluation: {latency: false}
            export: {onnx: false}
            seeds: [0]
            """);
    }

    private string StorePath => _folder.File("store");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Teach_KilledWithinABlockAgainAndAgain_LosesThatBlockAloneAndGoesOn()
    {
        // Five blocks a view, the fifth of them short: the second block of all, then the fifth of what is left.
        foreach (var (block, rows) in new[] { (2, 256), (5, TrainingSamples) })
        {
            Assert.NotEqual(0, Distill($"store_block:{block}", "teach", _folder.File("recipe.yaml")).ExitCode);
            using var store = TeacherStore.Open(StorePath);
            Assert.Equal(rows, store.RowCount);
        }

        Assert.Equal(0, Distill(null, "teach", _folder.File("recipe.yaml")).ExitCode);
        AssertWhole();
    }

    [Fact]
    public void Teach_OnAFullDisk_SaysSoKeepsWhatIsThereAndGoesOn()
    {
        var (code, error) = Distill("disk_full:3", "teach", _folder.File("recipe.yaml"));
        Assert.Equal(1, code);
        Assert.Contains($"{StorePath}: cannot write: No space left on device. What is stored so far is kept; make room, and `distill teach` or the run goes on from there", error, StringComparison.Ordinal);
        using (var store = TeacherStore.Open(StorePath))
        {
            Assert.Equal(2 * 256, store.RowCount);
        }

        Assert.Equal(0, Distill(null, "teach", _folder.File("recipe.yaml")).ExitCode);
        AssertWhole();
    }

    [Fact]
    public void Teach_TwoPartsAtOnce_FillOneStore()
    {
        using var first = Start(null, ["teach", _folder.File("recipe.yaml"), "--part", "1/2"]);
        var (code, error) = Distill(null, "teach", _folder.File("recipe.yaml"), "--part", "2/2");
        first.WaitForExit();
        Assert.True(code == 0 && first.ExitCode == 0, error);
        AssertWhole();
    }

    [Fact]
    public void Run_KilledWhileItFillsTheStore_GivesTheSameBits()
    {
        Assert.Equal(0, Distill(null, "run", _folder.File("recipe.yaml"), "--skip-doctor", "--output", _folder.File("whole")).ExitCode);
        Directory.Delete(StorePath, recursive: true);
        Assert.NotEqual(0, Distill("store_block:8", "run", _folder.File("recipe.yaml"), "--skip-doctor", "--output", _folder.File("killed")).ExitCode);
        Assert.Equal(0, Distill(null, "resume", _folder.File("killed")).ExitCode);
        Assert.Equal(Hash("whole"), Hash("killed"));

        string Hash(string run)
        {
            using var file = new SafetensorsFile(Path.Combine(_folder.File(run), "arms", "soft_target", "seed-0", "student.safetensors"));
            return WeightsHash.Of(file);
        }
    }

    private void AssertWhole()
    {
        using var store = TeacherStore.Open(StorePath);
        Assert.Equal((Rows, 0), (store.RowCount, store.Duplicates));
        Assert.All(StoreMaintenance.StoresIn(StorePath), path => Assert.Empty(StoreMaintenance.Verify(path).Faults));
    }

    private static (int ExitCode, string Error) Distill(string? fault, params string[] arguments)
    {
        using var process = Start(fault, arguments);
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }

    private static Process Start(string? fault, string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "distill.dll"), .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        if (fault is not null)
        {
            info.Environment["DISTILL_FAULT"] = fault;
        }

        var process = Process.Start(info)!;
        _ = process.StandardOutput.ReadToEndAsync();
        return process;
    }
}
