using System.Diagnostics;

namespace DistillSharp.Training;

/// <summary>A reading of wall-clock and processor time.</summary>
public readonly record struct CostMeter(long Timestamp, TimeSpan Processor)
{
    /// <summary>The reading now, over all threads of this process.</summary>
    public static CostMeter Start()
    {
        using var process = Process.GetCurrentProcess();
        return new CostMeter(Stopwatch.GetTimestamp(), process.TotalProcessorTime);
    }

    /// <summary>Wall-clock seconds from this reading to a later one.</summary>
    public double SecondsUntil(CostMeter later) => Stopwatch.GetElapsedTime(Timestamp, later.Timestamp).TotalSeconds;

    /// <summary>CPU seconds from this reading to a later one.</summary>
    public double CpuSecondsUntil(CostMeter later) => (later.Processor - Processor).TotalSeconds;
}
