using static TorchSharp.torch;

namespace DistillSharp.Export;

/// <summary>Access to a tensor's memory in spans, which cannot be longer than 2 GB.</summary>
internal static class Chunks
{
    private const long MaxBytes = 1 << 28;

    public delegate void Use(Span<byte> bytes);

    /// <summary>Calls <paramref name="use"/> with the memory of a contiguous one-dimensional CPU tensor, piece by piece.</summary>
    public static void ForEach(Tensor flat, Use use, Action? begin = null)
    {
        begin?.Invoke();
        var elements = MaxBytes / flat.ElementSize;
        for (long start = 0; start < flat.NumberOfElements; start += elements)
        {
            using var part = flat.narrow(0, start, Math.Min(elements, flat.NumberOfElements - start));
            use(part.bytes);
        }
    }
}
