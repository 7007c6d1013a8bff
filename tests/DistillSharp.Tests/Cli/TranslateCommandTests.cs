using System.Diagnostics;
using System.Globalization;
using DistillSharp.Cli;

namespace DistillSharp.Tests.Cli;

/// <summary>Lines from a pipe into a pipe.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class TranslateCommandTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly string Command = Repository.Output("src/DistillSharp.Cli", "distill.dll");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("nan")]
    [InlineData("-5")]
    [InlineData("50")]
    public void Translate_LengthPenaltyOutsideItsRange_IsAUsageError(string penalty)
    {
        var result = DistillProcess.Run("translate", "--model", "docs", "--length-penalty", penalty);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("--length-penalty must be 0 to 2", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Translate_SigtermWhileItWaitsForInput_Exits130AndSpeaksOfNothingSaved()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        UntrainedTranslation.Write(_folder.File("run"));

        var (exitCode, error) = Terminate("translate", "--model", _folder.File("run"));

        Assert.Equal(ExitCode.Interrupted, exitCode);
        Assert.Contains("distill: interrupted", error, StringComparison.Ordinal);
        Assert.DoesNotContain("sav", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Translate_ReaderThatHasGone_EndsQuietly()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        UntrainedTranslation.Write(_folder.File("run"));

        var (output, error) = Shell("yes 'the old house' | { dotnet \"$0\" translate --model \"$1/run\"; echo \"ended with $?\" >&2; } | head -n 1");

        Assert.Equal(output.Length - 1, output.IndexOf('\n'));
        Assert.Contains("ended with 0", error, StringComparison.Ordinal);
        Assert.DoesNotContain("distill:", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Translate_FileThatOthersWriteToo_KeepsWhatTheyWrite()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        UntrainedTranslation.Write(_folder.File("run"));

        Shell("{ echo first; echo 'the old house' | dotnet \"$0\" translate --model \"$1/run\"; echo last; } > \"$1/out.txt\"");

        var lines = File.ReadAllLines(_folder.File("out.txt"));
        Assert.Equal(("first", "last", 3), (lines[0], lines[^1], lines.Length));
    }

    // Input stays open: nothing but the signal ends it.
    private static (int ExitCode, string Error) Terminate(params string[] arguments)
    {
        using var process = Start("dotnet", [Command, .. arguments]);
        using var deadline = Deadline(process);
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.WriteLine("the old house");
        process.StandardOutput.ReadLine();
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        process.WaitForExit();
        return (process.ExitCode, error.Result);
    }

    // In the script $0 is the command's file and $1 the folder.
    private (string Output, string Error) Shell(string script)
    {
        using var process = Start("sh", ["-c", script, Command, _folder.Path]);
        using var deadline = Deadline(process);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output, error.Result);
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        WorkingDirectory = Repository.Root,
    })!;

    private static Timer Deadline(Process process) => new(_ => process.Kill(entireProcessTree: true), null, Patience, Timeout.InfiniteTimeSpan);
}
