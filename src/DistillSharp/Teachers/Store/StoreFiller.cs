using DistillSharp.Data;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>How far filling a store has come.</summary>
/// <param name="Done">Rows that are there.</param>
/// <param name="Total">Rows that are wanted.</param>
public sealed record StoreProgress(long Done, long Total);

/// <summary>
/// Computes the rows that a store lacks. Work is claimed in pieces of consecutive samples, so that several processes may fill one
/// store; a piece is computed in the same batches whoever does it, and so has the same bits.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="samples">The samples, with as many fixed views as the store.</param>
/// <param name="teacher">The teacher, opened for the store's features.</param>
/// <param name="batchSize">Samples that the teacher is given at once.</param>
/// <param name="device">Where the teacher wants its batches.</param>
public sealed class StoreFiller(TeacherStore store, Loader samples, ISignalSource teacher, int batchSize, Device device)
{
    private const int LeastPiece = 256;
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(50);

    private readonly int _piece = (LeastPiece + batchSize - 1) / batchSize * batchSize;

    /// <summary>Fills one view of the samples from position <paramref name="first"/> to before <paramref name="end"/>; returns when all of them are there.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; what was computed is stored.</exception>
    /// <exception cref="IOException">The store cannot be written; what was stored before stays.</exception>
    public void Fill(int view, int first, int end, IProgress<StoreProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var noGradient = no_grad();
        using var writer = store.BeginShard();
        var open = Enumerable.Range(first / _piece, Math.Max(0, ((end + _piece - 1) / _piece) - (first / _piece))).ToList();
        while (open.Count > 0)
        {
            store.Refresh();
            var left = new List<int>();
            foreach (var piece in open)
            {
                if (FillPiece(writer, view, piece, first, end, cancellation))
                {
                    progress?.Report(new StoreProgress(store.RowsOf(view), end - first));
                }
                else
                {
                    left.Add(piece);
                }
            }

            if (left.Count == open.Count)
            {
                // All that is left is under way elsewhere.
                cancellation.WaitHandle.WaitOne(Wait);
            }

            open = left;
        }
    }

    // False where another process is at it.
    private bool FillPiece(ShardWriter writer, int view, int piece, int first, int end, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var positions = Enumerable.Range(piece * _piece, _piece).Where(position => position >= first && position < end).ToList();
        if (positions.TrueForAll(IsThere))
        {
            return true;
        }

        using var claim = store.TryClaim($"view-{view}-piece-{piece}");
        if (claim is null)
        {
            return false;
        }

        // Another process may have filled it between the look and the claim.
        store.Refresh();
        int[] missing = [.. positions.Where(position => !IsThere(position))];
        for (var start = 0; start < missing.Length; start += batchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            Compute(writer, view, missing.AsSpan(start, Math.Min(batchSize, missing.Length - start)));
        }

        writer.Commit();
        store.Refresh();
        return true;

        bool IsThere(int position) => store.Contains(samples.SampleId(position), view);
    }

    private void Compute(ShardWriter writer, int view, ReadOnlySpan<int> positions)
    {
        using var scope = NewDisposeScope();
        using var batch = samples.Samples(positions, view);
        var signals = teacher.Read(device.type == DeviceType.CPU ? batch : batch.To(device));
        writer.Append(view, batch.SampleIds, store.Layout.Encode(signals, batch.SampleIds, view));
    }
}
