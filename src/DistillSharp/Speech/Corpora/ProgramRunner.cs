using System.Diagnostics;

namespace DistillSharp.Speech.Corpora;

/// <summary>Runs other programs.</summary>
internal static class ProgramRunner
{
    /// <summary>The full path of a program; null where it is not installed.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidDataException">It is not installed, or fails; says what it wrote.</exception>
    public static void Run(string program, IReadOnlyList<string> arguments, string folder, CancellationToken cancellation, IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        try
        {
            using var process = Process.Start(info)!;
            using var registration = cancellation.Register(() => process.Kill(entireProcessTree: true));
            var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            cancellation.ThrowIfCancellationRequested();
            if (process.ExitCode != 0)
            {
                throw new InvalidDataException($"{Path.GetFileName(program)} ended with {process.ExitCode}: {(errors.Trim().Length > 0 ? errors : output.Result).Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new InvalidDataException($"{program} is not installed", error);
        }
    }

    /// <summary>Fetches Debian packages through apt and unpacks them into a folder; nothing is installed.</summary>
    /// <exception cref="InvalidDataException">There is no apt, or it failed.</exception>
    public static void Unpack(IReadOnlyList<string> packages, string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        Run("apt-get", ["download", .. packages], folder, cancellation);
        foreach (var file in Directory.EnumerateFiles(folder, "*.deb").Order(StringComparer.Ordinal).ToList())
        {
            Run("dpkg-deb", ["-x", file, folder], folder, cancellation);
            File.Delete(file);
        }
    }
}
