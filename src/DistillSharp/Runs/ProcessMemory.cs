using System.Globalization;

namespace DistillSharp.Runs;

/// <summary>The largest resident set of this process, which Linux lets a process start to count anew.</summary>
public static class ProcessMemory
{
    /// <summary>Starts counting anew where the system can.</summary>
    public static void ResetPeak()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Elsewhere the peak is that of the whole process.
        }
    }

    /// <summary>Peak resident set in megabytes (10⁶ bytes) since the last reset.</summary>
    public static double PeakMegabytes()
    {
        if (File.Exists("/proc/self/status"))
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            if (line is not null)
            {
                return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
            }
        }

        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / 1e6;
    }
}
