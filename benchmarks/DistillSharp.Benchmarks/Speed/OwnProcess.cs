using System.Diagnostics;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>This program, started anew.</summary>
internal static class OwnProcess
{
    /// <summary>Starts it with arguments; its standard input and output are the caller's to use. Its waiting threads sleep, as ours do.</summary>
    public static Process Start(params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        // Under `dotnet`, which runs a library; a program of its own takes the arguments at once.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(OwnProcess).Assembly.Location);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} cannot be started");
    }
}
