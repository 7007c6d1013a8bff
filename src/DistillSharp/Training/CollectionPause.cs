using System.Runtime;

namespace DistillSharp.Training;

/// <summary>
/// Has garbage collected between steps rather than within them. TorchSharp's <c>Scalar</c> frees its native value when it is finalised and nothing
/// keeps it alive while native code reads it: a collection in the middle of <c>tensor + 1</c> adds what lies in freed memory. Only another thread can
/// start one there, such as one that reads sound for the next batch. One at a time in a process: others, and hosts that hold such a region of their
/// own, go on as before.
/// </summary>
internal sealed class CollectionPause : IDisposable
{
    // Room for the steps between two collections, and what must be left of it for one step.
    private const long Room = 24L << 20;
    private const long Reserve = 8L << 20;

    private static int s_held;

    private readonly bool _holds = Interlocked.CompareExchange(ref s_held, 1, 0) == 0;
    private long _end;

    /// <summary>Collects what there is, and begins.</summary>
    public CollectionPause() => Begin();

    /// <summary>Collects if there may not be room for another step. To be called where no native code runs on this thread.</summary>
    public void Renew()
    {
        if (_holds && GC.GetTotalAllocatedBytes() > _end)
        {
            End();
            Begin();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_holds)
        {
            End();
            Volatile.Write(ref s_held, 0);
        }
    }

    private void Begin()
    {
        if (!_holds || GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            return;
        }

        // False where memory is short: collections then come as they do without.
        GC.TryStartNoGCRegion(Room);
        _end = GC.GetTotalAllocatedBytes() + Room - Reserve;
    }

    private static void End()
    {
        // A region that ran out of room has ended itself.
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            try
            {
                GC.EndNoGCRegion();
            }
            catch (InvalidOperationException)
            {
                // It ran out between the two lines.
            }
        }
    }
}
