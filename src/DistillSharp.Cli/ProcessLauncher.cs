using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Cli;

/// <summary>Runs jobs as processes of this same program; their events come back as JSON lines.</summary>
internal sealed partial class ProcessLauncher(string? dataFolder) : IJobLauncher
{
    // Not SIGINT, which what a shell started in the background ignores.
    private const int InterruptSignal = 15;

    public async Task RunAsync(RunDirectory directory, string arm, int? seed, Action<RunEvent> events, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var process = Process.Start(StartInfo(directory, arm, seed)) ?? throw new InvalidOperationException("could not start a job process");
        using var registration = cancellation.Register(() => Interrupt(process));
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        while (await process.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
        {
            if (line.StartsWith('{') && JsonSerializer.Deserialize<RunEvent>(line, RunJson.Line) is { } runEvent)
            {
                events(runEvent);
            }
        }

        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        if (process.ExitCode == ExitCode.Interrupted)
        {
            throw new OperationCanceledException();
        }

        if (process.ExitCode != 0)
        {
            throw new JobFailedException($"{arm}{(seed is null ? " (tuning)" : $"/seed-{seed}")} failed with exit code {process.ExitCode}: {(await errors.ConfigureAwait(false)).Trim()}");
        }
    }

    /// <summary>How to start this program again with other arguments.</summary>
    internal static ProcessStartInfo OwnProgram(params string[] arguments)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            info.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        }

        arguments.ToList().ForEach(info.ArgumentList.Add);
        return info;
    }

    private ProcessStartInfo StartInfo(RunDirectory directory, string arm, int? seed)
    {
        var info = OwnProgram("job", directory.Path, "--arm", arm);
        if (seed is { } number)
        {
            info.ArgumentList.Add("--seed");
            info.ArgumentList.Add(number.ToString(CultureInfo.InvariantCulture));
        }

        if (dataFolder is not null)
        {
            info.ArgumentList.Add("--data-dir");
            info.ArgumentList.Add(dataFolder);
        }

        return info;
    }

    private static void Interrupt(Process process)
    {
        if (process.HasExited)
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            process.Kill();
            return;
        }

        // Not by the program `kill`, which small images lack. A process that has just ended is none to be told.
        _ = Signal(process.Id, InterruptSignal);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
