using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace DistillSharp.Speech.Audio;

/// <summary>Reads sound: WAV by itself, everything else (ogg, mp3, flac) through <c>ffmpeg</c> or <c>sox</c> where one is installed.</summary>
public static class AudioReader
{
    /// <summary>Sound of one channel at a rate.</summary>
    /// <exception cref="InvalidDataException">The file is not sound, or its format needs a program that is missing; says which.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static AudioClip Read(string path, int sampleRate) => Read(path, sampleRate, Environment.GetEnvironmentVariable("PATH") ?? "");

    /// <summary>The same with programs looked for elsewhere.</summary>
    internal static AudioClip Read(string path, int sampleRate, string searchPath) => WavFile.NotEmpty(ReadAny(path, sampleRate, searchPath), path);

    /// <summary>The same where a file may hold no samples, at its own rate where it is WAV.</summary>
    internal static AudioClip ReadAny(string path, int sampleRate) => ReadAny(path, null, Environment.GetEnvironmentVariable("PATH") ?? "", sampleRate);

    private static AudioClip ReadAny(string path, int sampleRate, string searchPath) => ReadAny(path, sampleRate, searchPath, sampleRate);

    // Other formats are converted by a program, which has to be told a rate.
    private static AudioClip ReadAny(string path, int? wanted, string searchPath, int sampleRate)
    {
        if (Directory.Exists(path))
        {
            throw new InvalidDataException($"{path} is a folder; name its files, such as {Path.Combine(path, "*.wav")}");
        }

        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path} does not exist", path);
        }

        var head = new byte[12];
        using (var file = File.OpenRead(path))
        {
            if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == 0)
            {
                throw new InvalidDataException($"{path} is empty");
            }
        }

        if (!WavFile.IsWave(head))
        {
            return Convert(path, sampleRate, searchPath);
        }

        var clip = WavFile.ParseAny(File.ReadAllBytes(path), path);
        return wanted is { } rate && clip.Samples.Length > 0 ? clip.At(rate) : clip;
    }

    private static AudioClip Convert(string path, int sampleRate, string searchPath)
    {
        var rate = sampleRate.ToString(CultureInfo.InvariantCulture);
        var (program, arguments) = Find("ffmpeg", searchPath) is { } ffmpeg
            ? (ffmpeg, new[] { "-nostdin", "-v", "error", "-i", path, "-ac", "1", "-ar", rate, "-f", "f32le", "-" })
            : Find("sox", searchPath) is { } sox
            ? (sox, ["-V1", path, "-c", "1", "-r", rate, "-t", "f32", "-"])
            : throw new InvalidDataException($"{path} is no WAV file; other formats need ffmpeg or sox, and neither is installed (Debian: apt install ffmpeg)");
        using var process = Start(program, arguments, path);
        // Neither is to take what is typed, or piped, for itself.
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidDataException($"{path}: {Path.GetFileName(program)} could not read it: {errors.Result.Trim()}");
        }

        var samples = MemoryMarshal.Cast<byte, float>(output.GetBuffer().AsSpan(0, (int)output.Length)).ToArray();
        return new AudioClip(samples, sampleRate);
    }

    private static Process Start(string program, string[] arguments, string path)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception error)
        {
            throw new InvalidDataException($"{path} is no WAV file, and {program}, which converts other formats, cannot be started: {error.Message}; make it executable, or install ffmpeg or sox anew", error);
        }
    }

    private static string? Find(string program, string searchPath) =>
        searchPath.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => new[] { Path.Combine(folder, program), Path.Combine(folder, program + ".exe") })
            .FirstOrDefault(File.Exists);
}
