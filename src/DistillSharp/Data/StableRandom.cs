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

    /// <summary>A number with the standard normal distribution (Box and Muller).</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Unit())) * Math.Cos(2 * Math.PI * Unit());

    /// <summary>A number with the distribution Beta(α, α).</summary>
    public double Beta(double alpha)
    {
        var (own, other) = (LogGamma(alpha), LogGamma(alpha));
        return 1 / (1 + Math.Exp(other - own));
    }

    /// <summary>Shuffles in place (Fisher and Yates).</summary>
    public void Shuffle(int[] items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    // The logarithm of a number with the distribution Gamma(α, 1) (Marsaglia and Tsang, ACM TOMS 2000; their boost for α below 1), which for a
    // small α is too small for the number itself.
    private double LogGamma(double alpha)
    {
        if (alpha < 1)
        {
            return LogGamma(alpha + 1) + (Math.Log(1 - Unit()) / alpha);
        }

        var d = alpha - (1 / 3.0);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var normal = Normal();
            var root = 1 + (c * normal);
            var cube = root * root * root;
            if (root > 0 && Math.Log(1 - Unit()) < (0.5 * normal * normal) + d - (d * cube) + (d * Math.Log(cube)))
            {
                return Math.Log(d * cube);
            }
        }
    }
}
