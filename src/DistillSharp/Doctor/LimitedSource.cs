using DistillSharp.Data;

namespace DistillSharp.Doctor;

/// <summary>The first batches of each epoch of a source, which counts its samples as if it were whole: memories are made for all.</summary>
internal sealed class LimitedSource(IBatchSource source, int batches) : IBatchSource
{
    public DatasetInfo Info => source.Info;

    public bool IsAugmented => source.IsAugmented;

    public BatchPartner Partner => source.Partner;

    public int SampleCount => source.SampleCount;

    public int BatchCount => Math.Min(batches, source.BatchCount);

    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default) =>
        source.Epoch(epoch, firstBatch, cancellation).Take(Math.Max(0, BatchCount - firstBatch));
}
