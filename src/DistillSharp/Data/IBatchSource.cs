namespace DistillSharp.Data;

/// <summary>
/// Batches of one split in a seeded order. The same source gives bit-identical batches for the same epoch whatever the
/// number of threads and wherever an epoch is entered, which exact resume and stored teacher outputs rest on.
/// </summary>
public interface IBatchSource
{
    /// <summary>What the data is.</summary>
    DatasetInfo Info { get; }

    /// <summary>True where epochs may show one sample in different ways.</summary>
    bool IsAugmented => true;

    /// <summary>Which samples its batches bring along.</summary>
    BatchPartner Partner => BatchPartner.None;

    /// <summary>Samples in one epoch.</summary>
    int SampleCount { get; }

    /// <summary>Batches in one epoch, the last short one included.</summary>
    int BatchCount { get; }

    /// <summary>The batches of an epoch from <paramref name="firstBatch"/> on; the caller disposes each.</summary>
    IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default);
}

/// <summary>Which samples a batch brings along as its <see cref="Batch.Partner"/>.</summary>
public enum BatchPartner
{
    /// <summary>None.</summary>
    None,

    /// <summary>For each sample another one of its class, drawn anew in each epoch; itself where it has no label.</summary>
    SameClass,

    /// <summary>The samples of the batch before, in another random view; none for the very first batch.</summary>
    PreviousBatch,
}

/// <summary>What a dataset holds.</summary>
/// <param name="Name">Its catalog name or file.</param>
/// <param name="InputShape">Shape of one sample, without the batch axis: [C, H, W] for images.</param>
/// <param name="Classes">Class names in label order; empty where targets are not classes.</param>
public sealed record DatasetInfo(string Name, IReadOnlyList<long> InputShape, IReadOnlyList<string> Classes)
{
    /// <summary>The symbols, where targets are symbols in the order of the input and at no known place (CTC); else null.</summary>
    public CtcInfo? Ctc { get; init; }

    /// <summary>The tokens, where inputs and targets are sequences of them; else null.</summary>
    public SequenceInfo? Sequence { get; init; }

    /// <summary>True where outputs have positions, and every sample as many as any other, so that outputs of many samples can be kept in one table.</summary>
    public bool HasEqualLengths { get; init; }

    /// <summary>Shorter side that pictures are scaled to before their middle is cut out; null where that is the sample's own.</summary>
    public int? Resize { get; init; }

    /// <summary>Names of a sample's values in their order, where a table's header gives them; else null.</summary>
    public IReadOnlyList<string>? Columns { get; init; }
}
