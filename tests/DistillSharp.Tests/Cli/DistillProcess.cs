using System.Diagnostics;
using System.Globalization;

namespace DistillSharp.Tests.Cli;

/// <summary>The built command as a process of its own.</summary>
internal sealed record DistillProcess(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static DistillProcess Run(params string[] arguments) => RunWith([], null, arguments);

    /// <param name="environment">Variables beside the inherited ones.</param>
    /// <param name="terminateAt">SIGTERM is sent when a line of the output holds this.</param>
    /// <param name="arguments">Arguments of the command.</param>
    public static DistillProcess RunWith(Dictionary<string, string> environment, string? terminateAt, params string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet", [Repository.Output("src/DistillSharp.Cli", "distill.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        using var process = Process.Start(info)!;
        using var deadline = new Timer(_ => process.Kill(), null, Patience, Timeout.InfiniteTimeSpan);
        var error = process.StandardError.ReadToEndAsync();
        var output = new StringWriter { NewLine = "\n" };
        while (process.StandardOutput.ReadLine() is { } line)
        {
            output.WriteLine(line);
            if (terminateAt is not null && line.Contains(terminateAt, StringComparison.Ordinal))
            {
                terminateAt = null;
                using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
                kill.WaitForExit();
            }
        }

        process.WaitForExit();
        return new DistillProcess(process.ExitCode, output.ToString(), error.Result);
    }
}
