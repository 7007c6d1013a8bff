using System.Runtime;

namespace DistillSharp.Data;

/// <summary>
/// Has garbage collected between batches rather than within a step. TorchSharp's <c>Scalar</c> frees its native value when it is finalised and nothing
/// keeps it alive while native code reads it: a collection in the middle of <c>tensor + 1</c> adds what lies in freed memory. Only another thread can
/// start one there, such as one that reads sound for the next batch: sources that read so hold one while their batches are used. One thread at a time in
/// a process: others, and hosts that hold such a region of their own, go on as before.
/// </summary>
internal sealed class CollectionPause : IDisposable
{
    // Room for the steps between two collections, and what must be left of it for one step.
    private const long Room = 24L << 20;
    private const long Reserve = 8L << 20;

    private static int s_thread;
    private static long s_end;

    private readonly bool _holds;

    /// <summary>Collects what there is, and begins; within another of this thread's, goes on with that.</summary>
    public CollectionPause()
    {
        _holds = Interlocked.CompareExchange(ref s_thread, Environment.CurrentManagedThreadId, 0) == 0;
        if (_holds)
        {
            Begin();
        }
    }

    private static bool IsMine => Volatile.Read(ref s_thread) == Environment.CurrentManagedThreadId;

    /// <summary>Collects if there may not be room for another step. To be called where no native code runs on this thread.</summary>
    public static void Renew()
    {
        if (IsMine && GC.GetTotalAllocatedBytes() > s_end)
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
            Volatile.Write(ref s_thread, 0);
        }
    }

    private static void Begin()
    {
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            return;
        }

        // False where memory is short: collections then come as they do without.
        GC.TryStartNoGCRegion(Room);
        s_end = GC.GetTotalAllocatedBytes() + Room - Reserve;
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
