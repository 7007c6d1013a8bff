using System.Runtime.InteropServices;
using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Reading;

/// <summary>Batches of drawn words: pixels 0 to 1 [N, 1, 48, 256] and labels [N, L], −1 behind the last. Order is a pure function of seed and epoch.</summary>
/// <param name="words">The words, whose numbers are the sample ids.</param>
/// <param name="batchSize">Words in a batch.</param>
/// <param name="seed">Seed of the order; null for the order of the numbers.</param>
internal sealed class WordTextBatches(WordTexts words, int batchSize, long? seed = null) : IBatchSource
{
    /// <inheritdoc/>
    public DatasetInfo Info => WordTextCorpus.Info;

    /// <inheritdoc/>
    public bool IsAugmented => false;

    /// <inheritdoc/>
    public int SampleCount => words.Texts.Length;

    /// <inheritdoc/>
    public int BatchCount => (SampleCount + batchSize - 1) / batchSize;

    /// <inheritdoc/>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        var order = Enumerable.Range(0, SampleCount).ToArray();
        if (seed is { } given)
        {
            new StableRandom(StableRandom.Key(unchecked((ulong)given), (ulong)epoch, 0x30dd5)).Shuffle(order);
        }

        foreach (var numbers in order.Chunk(batchSize).Skip(firstBatch))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Make(numbers);
        }
    }

    private Batch Make(int[] numbers)
    {
        var labels = Array.ConvertAll(numbers, number => WordTextCorpus.Alphabet.Encode(words.Texts[number]));
        var longest = labels.Max(each => each.Length);
        var input = empty([numbers.Length, .. Info.InputShape], ScalarType.Float32).DetachFromDisposeScope();
        var values = MemoryMarshal.Cast<byte, float>(input.bytes);
        for (var row = 0; row < numbers.Length; row++)
        {
            var pixels = words.Pixels.AsSpan(numbers[row] * WordTextCorpus.Size, WordTextCorpus.Size);
            var place = values.Slice(row * WordTextCorpus.Size, WordTextCorpus.Size);
            for (var i = 0; i < pixels.Length; i++)
            {
                place[i] = pixels[i] * (1 / 255f);
            }
        }

        return Batch.Of(
            input,
            tensor(labels.SelectMany(each => each.Select(label => (long)label).Concat(Enumerable.Repeat(-1L, longest - each.Length))).ToArray(), [numbers.Length, longest]).DetachFromDisposeScope(),
            Array.ConvertAll(numbers, number => (long)number));
    }
}
