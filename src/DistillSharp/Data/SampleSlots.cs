using static TorchSharp.torch;

namespace DistillSharp.Data;

/// <summary>
/// Rows of a memory by sample id, given out in the order in which samples are first seen. The tensor of ids is the truth: it is
/// saved and loaded with the memory, and read again where a sample is not known.
/// </summary>
/// <param name="ids">The owner's buffer, int64 [samples], −1 in free rows; asked for each time, as moving a module replaces it.</param>
/// <param name="owner">What keeps the memory, for the message where it is full.</param>
internal sealed class SampleSlots(Func<Tensor> ids, string owner)
{
    private readonly Dictionary<long, long> _slots = [];

    /// <summary>The rows of samples, in their order; new ones get the next free rows.</summary>
    /// <exception cref="InvalidOperationException">There are more samples than rows.</exception>
    public long[] Of(long[] sampleIds)
    {
        if (sampleIds.Any(id => !_slots.ContainsKey(id)))
        {
            Read();
        }

        var buffer = ids();
        foreach (var id in sampleIds)
        {
            if (!_slots.ContainsKey(id))
            {
                if (_slots.Count >= buffer.shape[0])
                {
                    throw new InvalidOperationException($"{owner} keeps {buffer.shape[0]} samples, and sample {id} is one more: it is made for the training split");
                }

                buffer[_slots.Count] = id;
                _slots[id] = _slots.Count;
            }
        }

        return [.. sampleIds.Select(id => _slots[id])];
    }

    private void Read()
    {
        using var scope = NewDisposeScope();
        _slots.Clear();
        var known = ids().cpu().data<long>().ToArray();
        for (var slot = 0; slot < known.Length && known[slot] >= 0; slot++)
        {
            _slots[known[slot]] = slot;
        }
    }
}
