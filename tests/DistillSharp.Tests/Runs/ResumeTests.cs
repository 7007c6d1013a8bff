using System.Diagnostics;
using DistillSharp.Export;

namespace DistillSharp.Tests.Runs;

/// <summary>
/// Kills the real program and resumes it: dropout, augmentation, momentum, averaged weights, prefetching and a hint stage are on,
/// and every arm must end with the same bits as in a run that was left alone.
/// </summary>
public sealed class ResumeTests : IDisposable
{
    private const string Recipe =
        """
        name: resume
        data: {dataset: digits, validation: 0.2, train_samples: 400, augment: {shift: 1}}
        teacher: {model: mlp, widths: [64], dropout: 0.2}
        student: {model: mlp, widths: [16, 16], dropout: 0.1}
        objective:
          name: hint_then_soft
          stages:
            - {name: hint, epochs: 2, train_up_to: hidden1, hard_labels: 0, terms: [{method: fitnet, student: hidden1, teacher: hidden1}]}
            - {name: soft, epochs: 3, hard_labels: 0.2, terms: [{method: soft_target, temperature: 3, weight: 0.8}]}
        training: {epochs: 5, batch_size: 16, learning_rate: 0.05, momentum: 0.9, ema: 0.95, checkpoint_steps: 7, select: best}
        evaluation: {latency: false}
        export: {onnx: false}
        seeds: [0]
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("distill-resume-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Resume_AfterKillsAtRandomInstants_GivesTheSameBits()
    {
        var expected = Uninterrupted();
        var kills = int.TryParse(Environment.GetEnvironmentVariable("DISTILL_KILLS"), out var wanted) ? wanted : 5;
        var random = new Random(20260101);
        var run = Path.Combine(_folder, "killed");
        for (var kill = 0; kill < kills; kill++)
        {
            using var process = Start(null, Command(run));
            if (!process.WaitForExit(300 + random.Next(1500)))
            {
                process.Kill();
            }

            process.WaitForExit();
        }

        Finish(run);
        Assert.Equal(expected, Hashes(run));
    }

    [Theory]
    [InlineData("before_rename:4")]
    [InlineData("before_rename:23")]
    [InlineData("step:33")]
    [InlineData("step:180")]
    [InlineData("step:330")]
    public void Resume_AfterAnInjectedKill_GivesTheSameBits(string fault)
    {
        var expected = Uninterrupted();
        var run = Path.Combine(_folder, "fault");
        using (var process = Start(fault, Command(run)))
        {
            process.WaitForExit();
            Assert.NotEqual(0, process.ExitCode);
        }

        Finish(run);
        Assert.Equal(expected, Hashes(run));
    }

    [Theory]
    [InlineData("-INT")]
    [InlineData("-TERM")]
    public void Run_WhenInterrupted_SavesAndExitsWith130(string signal)
    {
        if (OperatingSystem.IsWindows() || (signal == "-INT" && IgnoresInterrupts()))
        {
            return;
        }

        var expected = Uninterrupted();
        var run = Path.Combine(_folder, "interrupted");
        using (var process = Start(null, Command(run)))
        {
            var checkpoints = Path.Combine(run, "arms", "plain");
            SpinWait.SpinUntil(() => Directory.Exists(checkpoints) || process.HasExited, TimeSpan.FromSeconds(60));
            using var kill = Process.Start("kill", [signal, $"{process.Id}"]);
            process.WaitForExit();
            Assert.Equal(130, process.ExitCode);
        }

        Finish(run);
        Assert.Equal(expected, Hashes(run));
    }

    // A shell starts what runs in its background so, and a process hands it on to those it starts, which then are not to be interrupted.
    private static bool IgnoresInterrupts() => OperatingSystem.IsLinux() && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } ignored
        && (Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16) & 2) != 0;

    [Fact]
    public void Run_WithJobsSideBySide_GivesTheSameBits()
    {
        var expected = Uninterrupted();
        var run = Path.Combine(_folder, "jobs");
        using var process = Start(null, [.. Command(run), "--jobs", "2"]);
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        Assert.Equal(expected, Hashes(run));
    }

    private Dictionary<string, string> Uninterrupted()
    {
        var run = Path.Combine(_folder, "whole");
        Finish(run);
        return Hashes(run);
    }

    private void Finish(string run)
    {
        using var process = Start(null, Command(run));
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }

    private string[] Command(string run)
    {
        if (File.Exists(Path.Combine(run, "recipe.yaml")))
        {
            return ["resume", run];
        }

        // Killed before the run began.
        if (Directory.Exists(run))
        {
            Directory.Delete(run, recursive: true);
        }

        var recipe = Path.Combine(_folder, "resume.yaml");
        File.WriteAllText(recipe, Recipe);
        return ["run", recipe, "--output", run, "--skip-doctor"];
    }

    private static Process Start(string? fault, string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "distill.dll"), .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        if (fault is not null)
        {
            info.Environment["DISTILL_FAULT"] = fault;
        }

        var process = Process.Start(info)!;
        _ = process.StandardOutput.ReadToEndAsync();
        return process;
    }

    private static Dictionary<string, string> Hashes(string run) =>
        Directory.EnumerateFiles(Path.Combine(run, "arms"), "*.safetensors", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(run, path), path =>
            {
                using var file = new SafetensorsFile(path);
                return WeightsHash.Of(file);
            });
}
