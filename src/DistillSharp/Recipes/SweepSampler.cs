using DistillSharp.Data;

namespace DistillSharp.Recipes;

/// <summary>Draws different settings from a space. The first dimensions get the same values whatever follows them.</summary>
internal static class SweepSampler
{
    private const int TriesPerTrial = 200;

    /// <summary>So many different settings, fewer where the space has fewer.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Draw(SweepSearch search, IReadOnlyList<SweepDimension> space, int trials, int seed)
    {
        if (search == SweepSearch.Grid)
        {
            return Grid(space, trials, seed);
        }

        var drawn = new List<IReadOnlyList<string>>();
        var known = new HashSet<string>();
        var shifts = new double[space.Count];
        for (var d = 0; d < space.Count; d++)
        {
            shifts[d] = new StableRandom(StableRandom.Key((ulong)seed, (ulong)d)).Unit();
        }

        for (var i = 0; drawn.Count < trials && i < TriesPerTrial * trials; i++)
        {
            var point = i;
            string[] settings = [.. space.Select((dimension, d) => dimension.At(search == SweepSearch.Random
                ? new StableRandom(StableRandom.Key((ulong)seed, (ulong)d, (ulong)point + 1)).Unit()
                : (RadicalInverse(point, Prime(d)) + shifts[d]) % 1))];
            if (known.Add(string.Join('\n', settings)))
            {
                drawn.Add(settings);
            }
        }

        return drawn;
    }

    /// <summary>The digits of a number in a base, mirrored at the point: Halton's sequence in one dimension.</summary>
    internal static double RadicalInverse(int number, int radix)
    {
        var (result, place) = (0.0, 1.0 / radix);
        for (; number > 0; number /= radix, place /= radix)
        {
            result += number % radix * place;
        }

        return result;
    }

    // All combinations where they are as many as trials, else a seeded choice of them in their order.
    private static List<IReadOnlyList<string>> Grid(IReadOnlyList<SweepDimension> space, int trials, int seed)
    {
        var ranges = space.Count(dimension => dimension.Count is null);
        var fixedCount = space.Aggregate(1.0, (product, dimension) => product * (dimension.Count ?? 1));
        var levels = 1;
        while (ranges > 0 && fixedCount * Math.Pow(levels, ranges) < trials)
        {
            levels++;
        }

        IEnumerable<IReadOnlyList<string>> combinations = [[]];
        foreach (var dimension in space)
        {
            combinations = [.. combinations.SelectMany(before => dimension.Levels(levels).Select(value => (IReadOnlyList<string>)[.. before, value]))];
        }

        var all = combinations.ToList();
        var order = Enumerable.Range(0, all.Count).ToArray();
        new StableRandom(StableRandom.Key((ulong)seed, (ulong)all.Count)).Shuffle(order);
        return [.. order.Take(trials).Order().Select(i => all[i])];
    }

    private static int Prime(int index)
    {
        var prime = 2;
        for (var found = 0; ; prime++)
        {
            if (Enumerable.Range(2, prime - 2).All(divisor => prime % divisor != 0) && found++ == index)
            {
                return prime;
            }
        }
    }
}
