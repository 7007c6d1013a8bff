using System.CommandLine;
using System.Diagnostics;
using DistillSharp.Teachers;

namespace DistillSharp.Cli.Commands;

/// <summary>
/// Loads a TorchScript file and ends. Some faults of a script end the process that libtorch is in; a program that is about to load one
/// finds that out in this one.
/// </summary>
internal static class LoadScriptCommand
{
    private const string Name = "load-script";
    private const string NativeMessage = "what():";

    public static Command Create()
    {
        var file = new Argument<string>("file");
        var command = new Command(Name, "Load a TorchScript file (used before a run loads it)") { file };
        command.Hidden = true;
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            Data.TorchRuntime.Configure(1);
            TorchScriptTeacher.Load(parsed.GetValue(file)!);
            return ExitCode.Fine;
        }));
        return command;
    }

    /// <summary>What is wrong with a file, found out in another process of this program; null where it loads.</summary>
    public static string? Probe(string path)
    {
        using var process = Process.Start(ProcessLauncher.OwnProgram(Name, path)) ?? throw new InvalidOperationException("could not start a process to load the script in");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        output.GetAwaiter().GetResult();
        process.WaitForExit();
        if (process.ExitCode == ExitCode.Fine)
        {
            return null;
        }

        // What a dying process says: `what():` and the message on the lines after it.
        var start = error.IndexOf(NativeMessage, StringComparison.Ordinal);
        var message = start < 0 ? error : error[(start + NativeMessage.Length)..];
        return message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? $"the process ended with code {process.ExitCode}";
    }
}
