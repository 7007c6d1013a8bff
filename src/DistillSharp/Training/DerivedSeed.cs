using DistillSharp.Data;

namespace DistillSharp.Training;

/// <summary>
/// Seeds for every use of randomness, derived from the run's seed, so that a step's random numbers depend on its number alone:
/// a resumed run needs no generator state, and arms of one seed share initial weights and data order.
/// </summary>
public static class DerivedSeed
{
    /// <summary>A seed for <paramref name="purpose"/> number <paramref name="index"/> of a run.</summary>
    public static long Of(int seed, string purpose, long index = 0)
    {
        var hash = StableRandom.Mix(unchecked((ulong)seed) + 0x9E3779B97F4A7C15UL);
        foreach (var character in purpose)
        {
            hash = StableRandom.Mix(hash ^ character);
        }

        // torch takes any 64-bit seed; keep it positive so that it reads the same everywhere.
        return (long)(StableRandom.Mix(hash ^ unchecked((ulong)index)) >> 1);
    }
}
