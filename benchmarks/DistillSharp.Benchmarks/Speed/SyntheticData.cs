using DistillSharp.Data;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>Seeded noise with random labels: time and memory do not depend on what the pictures show.</summary>
internal static class SyntheticData
{
    public static Dataset Floats(DatasetInfo info, int count)
    {
        var random = new Random(7);
        var samples = new float[count * Size(info)];
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = (random.NextSingle() * 2) - 1;
        }

        return Dataset.FromFloats(info, samples, Targets(random, info, count));
    }

    public static Dataset Bytes(DatasetInfo info, int count)
    {
        var random = new Random(7);
        var samples = new byte[count * Size(info)];
        random.NextBytes(samples);
        return Dataset.FromBytes(info, samples, Targets(random, info, count), 1 / 255f);
    }

    private static int Size(DatasetInfo info) => (int)info.InputShape.Aggregate(1L, (product, axis) => product * axis);

    private static int[] Targets(Random random, DatasetInfo info, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(info.Classes.Count))];
}
