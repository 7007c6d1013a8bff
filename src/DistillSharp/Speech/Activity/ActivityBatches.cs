using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Activity;

/// <summary>Batches of scenes: sound [N, samples] and the truth [N, chunks]. Order is a pure function of seed and epoch.</summary>
/// <param name="info">What the data is.</param>
/// <param name="scenes">The scenes, whose numbers are the sample ids.</param>
/// <param name="batchSize">Scenes in a batch.</param>
/// <param name="seed">Seed of the order; null for the order of the numbers.</param>
internal sealed class ActivityBatches(DatasetInfo info, SceneSet scenes, int batchSize, long? seed = null) : IBatchSource
{
    /// <inheritdoc/>
    public DatasetInfo Info => info;

    /// <inheritdoc/>
    public bool IsAugmented => false;

    /// <inheritdoc/>
    public int SampleCount => scenes.Count;

    /// <inheritdoc/>
    public int BatchCount => (scenes.Count + batchSize - 1) / batchSize;

    /// <inheritdoc/>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        var order = Enumerable.Range(0, scenes.Count).ToArray();
        if (seed is { } given)
        {
            new StableRandom(StableRandom.Key(unchecked((ulong)given), (ulong)epoch, 0x5ce9e)).Shuffle(order);
        }

        foreach (var numbers in order.Chunk(batchSize).Skip(firstBatch))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Make(numbers);
        }
    }

    private Batch Make(int[] numbers)
    {
        var made = Array.ConvertAll(numbers, number => scenes[number]);
        return Batch.Of(
            tensor(made.SelectMany(scene => scene.Samples).ToArray(), [numbers.Length, made[0].Samples.Length]).DetachFromDisposeScope(),
            tensor(made.SelectMany(scene => scene.Speech).Select(label => (long)label).ToArray(), [numbers.Length, made[0].Speech.Length]).DetachFromDisposeScope(),
            Array.ConvertAll(numbers, number => (long)number));
    }
}
