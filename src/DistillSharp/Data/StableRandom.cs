namespace DistillSharp.Data;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): small, seedable by any 64-bit key, and the same on every platform and version,
/// which neither <see cref="Random"/> nor torch's generator promises.
/// </summary>
public struct StableRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A key made of several numbers.</summary>
    public static ulong Key(ulong first, ulong second, ulong third = 0)
    {
        var random = new StableRandom(first);
        random._state = random.Next() ^ second;
        random._state = random.Next() ^ third;
        return random.Next();
    }

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15UL;
        return Mix(_state);
    }

    /// <summary>SplitMix64's finaliser: every bit of the value changes about half of the result's.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }

    /// <summary>A whole number in [0, bound), without bias.</summary>
    public int Below(int bound)
    {
        var range = (ulong)bound;
        var limit = ulong.MaxValue - (ulong.MaxValue % range);
        ulong value;
        do
        {
            value = Next();
        }
        while (value >= limit);
        return (int)(value % range);
    }

    /// <summary>A number in [0, 1).</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Shuffles in place (Fisher and Yates).</summary>
    public void Shuffle(int[] items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
