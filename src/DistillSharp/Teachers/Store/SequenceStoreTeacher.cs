using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Teachers.Store;

/// <summary>The sequences whose positions a store is to hold.</summary>
/// <param name="Options">The recipe's keys; the path is complete.</param>
/// <param name="Fields">What rows depend on beside the teacher, source and prefix.</param>
/// <param name="Batches">All sequences, always in the same batches.</param>
public sealed record SequenceStoreSource(StoreOptions Options, IReadOnlyDictionary<string, string> Fields, IBatchSource Batches)
{
    /// <summary>Where the teacher wants its batches.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Told how many batches are stored.</summary>
    public IProgress<StoreProgress>? Progress { get; init; }

    /// <summary>Stops filling; what was computed is stored.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>
/// A teacher of sequences whose distributions are kept in a <see cref="TeacherStore"/>, a row for each position. The first batch with a
/// position that is not there has all sequences stored, in batches that do not depend on the run, so that rows have the same bits whoever
/// computes them.
/// </summary>
/// <param name="inner">The teacher, disposed with this one.</param>
/// <param name="source">Where the store is and what is stored.</param>
public sealed class SequenceStoreTeacher(Teacher inner, SequenceStoreSource source) : Teacher
{
    /// <inheritdoc/>
    public override Network? Network => inner.Network;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Features(Batch sample) => [];

    /// <inheritdoc/>
    public override string Fingerprint() => inner.Fingerprint();

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Describe() => inner.Describe();

    /// <summary>Opens the store, makes it where there is none, and compares the rows of a random batch with the teacher.</summary>
    /// <exception cref="InvalidDataException">The store is of another teacher or other data, or is damaged; the message names what differs.</exception>
    /// <exception cref="ArgumentException">Features are wanted.</exception>
    public override ISignalSource Open(IEnumerable<string> features)
    {
        if (features.FirstOrDefault() is { } feature)
        {
            throw new ArgumentException($"a store of sequences holds logits alone, and a term reads the teacher's `{feature}`; leave the store out, or the term");
        }

        var teacher = inner.Open([]);
        TeacherStore? store = null;
        try
        {
            var manifest = Wanted(teacher);
            store = TeacherStore.OpenOrCreate(source.Options.Path, manifest);
            store.Manifest.ThrowIfDifferent(source.Options.Path, manifest, withTeacher: true);
            SpotCheck(store, teacher);
            return new Source(store, teacher, source);
        }
        catch
        {
            store?.Dispose();
            teacher.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }

    private StoreManifest Wanted(ISignalSource teacher)
    {
        using var batch = source.Batches.Epoch(0).First();
        using var moved = batch.To(source.Device);
        var shape = teacher.Probe(moved).Logits;
        return new StoreManifest
        {
            Key = StoreManifest.KeyOf(inner, source.Fields),
            Precision = ConfigBinder.SnakeCase(source.Options.Precision.ToString()),
            TopK = source.Options.TopK,
            Samples = source.Options.Samples,
            Temperature = source.Options.Temperature,
            Logits = [checked((int)shape[^1])],
        };
    }

    // Fields have been compared by value; this finds what they cannot tell, such as another library's arithmetic.
    private void SpotCheck(TeacherStore store, ISignalSource teacher)
    {
        if (store.RowCount == 0)
        {
            return;
        }

        using var scope = NewDisposeScope();
        var number = (int)(unchecked((ulong)Environment.TickCount64) % (ulong)source.Batches.BatchCount);
        using var batch = source.Batches.Epoch(0, number).First();
        var (ids, logits) = Positions.Compute(teacher, batch, source.Device, store.Contains);
        if (ids.Length > 0 && store.Layout.Difference(store.Read(ids, 0, []), store.Layout.AsStored(logits, ids, 0, [])) is { } output)
        {
            throw new InvalidDataException($"the store {source.Options.Path} does not fit: {output} of sentences such as sample {batch.SampleIds[0]} are not what the teacher gives now, though every field of the manifest is the same. Give another path");
        }
    }

    /// <summary>The teacher's logits by row.</summary>
    private static class Positions
    {
        /// <summary>Different rows of a batch for which <paramref name="wants"/> holds in view 0, with their logits [rows, V].</summary>
        public static (long[] Ids, ModelSignals Logits) Compute(ISignalSource teacher, Batch batch, Device device, Func<long, int, bool> wants)
        {
            var (ids, isValid) = SequenceRows.Of(batch);
            int[] chosen = [.. Enumerable.Range(0, ids.Length).Where(place => isValid[place] && wants(ids[place], 0)).DistinctBy(place => ids[place])];
            if (chosen.Length == 0)
            {
                return ([], new ModelSignals(new Signal(empty(0)), new Dictionary<string, Signal>()));
            }

            using var noGradient = no_grad();
            using var moved = device.type == TorchSharp.DeviceType.CPU ? null : batch.To(device);
            var logits = teacher.Read(moved ?? batch).Logits.Value;
            var rows = logits.reshape(-1, logits.shape[^1]).index_select(0, tensor(Array.ConvertAll(chosen, place => (long)place)).to(logits.device));
            return (Array.ConvertAll(chosen, place => ids[place]), new ModelSignals(new Signal(rows), new Dictionary<string, Signal>()));
        }
    }

    private sealed class Source(TeacherStore store, ISignalSource teacher, SequenceStoreSource source) : ISignalSource
    {
        private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(50);

        public ModelSignals Read(Batch batch)
        {
            var (ids, isValid) = SequenceRows.Of(batch);
            if (Array.Exists(ids, id => !store.Contains(id, 0)))
            {
                Fill();
            }

            if (Array.FindIndex(ids, id => !store.Contains(id, 0)) is >= 0 and var missing)
            {
                throw new InvalidDataException($"{store.Path} has no row for position {missing % (ids.Length / batch.Count)} of sample {batch.SampleIds[missing / (ids.Length / batch.Count)]}, which is none of the sequences it is filled with");
            }

            var stored = store.Read(ids, 0, []).Logits.Value;
            var mask = tensor(Array.ConvertAll(isValid, valid => valid ? 1f : 0f), [batch.Count, ids.Length / batch.Count]);
            return new ModelSignals(
                new Signal(stored.view(batch.Count, -1, stored.shape[^1]).to(batch.Input.device)) { Mask = mask.to(batch.Input.device) }, new Dictionary<string, Signal>());
        }

        // Nothing is filled for the sake of a shape.
        public SignalShapes Probe(Batch batch) =>
            new([.. batch.Inputs[Batch.DecoderInput].shape, store.Manifest.Logits[0]], new Dictionary<string, IReadOnlyList<long>>());

        public void Dispose()
        {
            store.Dispose();
            teacher.Dispose();
        }

        private void Fill()
        {
            using var writer = store.BeginShard();
            var open = Enumerable.Range(0, source.Batches.BatchCount).ToHashSet();
            while (open.Count > 0)
            {
                var before = open.Count;
                store.Refresh();
                var number = 0;
                foreach (var each in source.Batches.Epoch(0, 0, source.Cancellation))
                {
                    using var batch = each;
                    if (open.Contains(number) && FillBatch(writer, batch, number))
                    {
                        open.Remove(number);
                        source.Progress?.Report(new StoreProgress(source.Batches.BatchCount - open.Count, source.Batches.BatchCount));
                    }

                    number++;
                }

                if (open.Count == before)
                {
                    // All that is left is under way elsewhere.
                    source.Cancellation.WaitHandle.WaitOne(Wait);
                }
            }
        }

        // False where another process is at it.
        private bool FillBatch(ShardWriter writer, Batch batch, int number)
        {
            source.Cancellation.ThrowIfCancellationRequested();
            if (IsThere())
            {
                return true;
            }

            using var claim = store.TryClaim($"batch-{number}");
            if (claim is null)
            {
                return false;
            }

            // Another process may have filled it between the look and the claim.
            store.Refresh();
            using var scope = NewDisposeScope();
            var (ids, logits) = Positions.Compute(teacher, batch, source.Device, (id, view) => !store.Contains(id, view));
            if (ids.Length > 0)
            {
                writer.Append(0, ids, store.Layout.Encode(logits, ids, 0));
                writer.Commit();
                store.Refresh();
            }

            return true;

            bool IsThere() => Array.TrueForAll(SequenceRows.Of(batch).Ids, id => store.Contains(id, 0));
        }
    }
}
