using System.Diagnostics;
using System.Globalization;

namespace DistillSharp.Config;

/// <summary>
/// Lets a test kill the real process at a named place: <c>DISTILL_FAULT=before_rename:3</c> kills it (SIGKILL) the
/// third time that place is reached. Without the variable nothing happens.
/// </summary>
internal static class FaultInjection
{
    private static readonly (string Place, int Count)? Wanted = Parse(Environment.GetEnvironmentVariable("DISTILL_FAULT"));
    private static int _reached;

    public static void Reach(string place)
    {
        if (Wanted is { } wanted && wanted.Place == place && Interlocked.Increment(ref _reached) == wanted.Count)
        {
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }

    /// <summary>Throws what a full disk would the given time that the place is reached: <c>DISTILL_FAULT=disk_full:2</c>.</summary>
    public static void Fail(string place)
    {
        if (Wanted is { } wanted && wanted.Place == place && Interlocked.Increment(ref _reached) == wanted.Count)
        {
            throw new IOException("No space left on device.");
        }
    }

    private static (string Place, int Count)? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var split = text.Split(':');
        return (split[0], split.Length > 1 ? int.Parse(split[1], CultureInfo.InvariantCulture) : 1);
    }
}
