using System.Diagnostics;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>Seconds by the wall clock, or of CPU time of this process, which others on the machine disturb less.</summary>
internal static class SpeedClock
{
    public static bool CountsCpuTime { get; set; }

    public static double Now => CountsCpuTime ? Environment.CpuUsage.TotalTime.TotalSeconds : (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency;
}
