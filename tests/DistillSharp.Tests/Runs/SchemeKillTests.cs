using System.Diagnostics;
using DistillSharp.Export;

namespace DistillSharp.Tests.Runs;

/// <summary>
/// Kills the real program again and again while schemes with a memory are trained: each process is killed after as many steps, within
/// an epoch, and every arm must end with the same bits as in a run that was left alone.
/// </summary>
public sealed class SchemeKillTests : IDisposable
{
    private const string Recipe =
        """
        data: {dataset: digits, validation: 0.2, train_samples: 200, augment: {shift: 1}}
        teacher: {model: mlp, widths: [16]}
        student: {model: mlp, widths: [12], dropout: 0.1}
        objectives:
          mutual: {scheme: {scheme: mutual_learning, peers: [{model: mlp, widths: [8], dropout: 0.1}]}}
          progressive: {scheme: progressive_self}
          last_batch: {scheme: last_batch_self}
          class_wise: {scheme: class_wise_self}
          dot: {scheme: dot, hard_labels: 0.2, terms: [{method: fitnet, student: hidden1, teacher: hidden1}, {method: soft_target}]}
        baselines: {plain: false}
        training: {epochs: 3, batch_size: 16, checkpoint_steps: 5}
        evaluation: {latency: false}
        export: {onnx: false}
        seeds: [0]
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Resume_EverySchemeKilledWithinAnEpoch_GivesTheSameBits()
    {
        // 13 steps an epoch, 39 an arm, six arms: every process gets 46 steps further than the newest checkpoint.
        File.WriteAllText(_folder.File("schemes.yaml"), Recipe);
        Assert.Equal(0, Execute(null, "whole"));
        var killed = 0;
        while (Execute("step:46", "killed") != 0)
        {
            killed++;
            Assert.InRange(killed, 1, 10);
        }

        Assert.InRange(killed, 4, 10);
        var expected = Hashes("whole");
        Assert.Equal(6, expected.Count);
        Assert.Equal(expected, Hashes("killed"));
    }

    private int Execute(string? fault, string name)
    {
        var run = _folder.File(name);
        string[] arguments = File.Exists(Path.Combine(run, "recipe.yaml")) ? ["resume", run] : ["run", _folder.File("schemes.yaml"), "--output", run, "--skip-doctor"];
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "distill.dll"), .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        if (fault is not null)
        {
            info.Environment["DISTILL_FAULT"] = fault;
        }

        using var process = Process.Start(info)!;
        _ = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 || fault is not null, errors);
        return process.ExitCode;
    }

    private Dictionary<string, string> Hashes(string name) =>
        Directory.EnumerateFiles(Path.Combine(_folder.File(name), "arms"), "*.safetensors", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(_folder.File(name), path), path =>
            {
                using var file = new SafetensorsFile(path);
                return WeightsHash.Of(file);
            });
}
