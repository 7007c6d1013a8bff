namespace DistillSharp.Tests.Losses.Golden;

/// <summary>Losses of feature maps [N, C, H, W] in plain loops, from their formulas in the reference vectors' description.</summary>
internal static class LoopLosses
{
    /// <summary>Both maps averaged to the smaller height and width, in windows from ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉.</summary>
    public static (Grid Left, Grid Right) Pooled(Grid left, Grid right)
    {
        var (height, width) = (Math.Min(left.Size(2), right.Size(2)), Math.Min(left.Size(3), right.Size(3)));
        return (Pool(left, height, width), Pool(right, height, width));
    }

    /// <summary>A map averaged to a size.</summary>
    public static Grid Pool(Grid map, int height, int width)
    {
        var data = new List<double>();
        for (var n = 0; n < map.Size(0); n++)
        {
            for (var c = 0; c < map.Size(1); c++)
            {
                for (var y = 0; y < height; y++)
                {
                    for (var x = 0; x < width; x++)
                    {
                        data.Add(Window(map.Size(2), height, y).SelectMany(i => Window(map.Size(3), width, x).Select(j => map.At(n, c, i, j))).Average());
                    }
                }
            }
        }

        return new Grid([map.Shape[0], map.Shape[1], height, width], [.. data]);
    }

    public static double Attention(Grid student, Grid teacher, double p)
    {
        var (own, other) = Pooled(student, teacher);
        var differences = Enumerable.Range(0, own.Size(0)).SelectMany(n => SpatialMap(own, n, p).Zip(SpatialMap(other, n, p), (a, b) => a - b));
        return differences.Average(difference => difference * difference);
    }

    public static double FactorTransfer(Grid student, Grid teacher, double p1, double p2)
    {
        var (own, other) = Pooled(student, teacher);
        var differences = Enumerable.Range(0, own.Size(0)).SelectMany(n => SpatialMap(own, n, p1).Zip(SpatialMap(other, n, p1), (a, b) => a - b));
        return differences.Average(difference => p2 == 1 ? Math.Abs(difference) : Math.Pow(difference, p2));
    }

    public static double Similarity(Grid student, Grid teacher)
    {
        double[][] Grams(Grid map)
        {
            var rows = Enumerable.Range(0, map.Size(0)).Select(n => Enumerable.Range(0, map.Size(1)).SelectMany(c => Channel(map, n, c)).ToArray()).ToArray();
            return [.. rows.Select(left => Unit([.. rows.Select(right => Dot(left, right))]))];
        }

        return Grams(student).Zip(Grams(teacher)).SelectMany(row => row.First.Zip(row.Second, (a, b) => (a - b) * (a - b))).Average();
    }

    public static double NeuronSelectivity(Grid student, Grid teacher)
    {
        var (own, other) = Pooled(student, teacher);
        double Kernel(Grid left, Grid right) => Enumerable.Range(0, left.Size(0)).SelectMany(n =>
            from i in Enumerable.Range(0, left.Size(1))
            from j in Enumerable.Range(0, right.Size(1))
            select Math.Pow(Dot(Unit(Channel(left, n, i)), Unit(Channel(right, n, j))), 2)).Average();
        return Kernel(own, own) + Kernel(other, other) - (2 * Kernel(own, other));
    }

    public static double Flow(Grid[] student, Grid[] teacher)
    {
        IEnumerable<double> Matrix(Grid first, Grid second)
        {
            var (early, late) = Pooled(first, second);
            return from n in Enumerable.Range(0, early.Size(0))
                   from i in Enumerable.Range(0, early.Size(1))
                   from j in Enumerable.Range(0, late.Size(1))
                   select Dot(Channel(early, n, i), Channel(late, n, j)) / (early.Size(2) * early.Size(3));
        }

        return Enumerable.Range(0, student.Length - 1).Sum(stage =>
            Matrix(student[stage], student[stage + 1]).Zip(Matrix(teacher[stage], teacher[stage + 1]), (a, b) => (a - b) * (a - b)).Average());
    }

    public static double ActivationBoundary(Grid[] student, Grid[] teacher, double margin) => Enumerable.Range(0, student.Length).Sum(stage =>
        Math.Pow(2, stage - student.Length + 1) * 3 / 1000 / student[stage].Size(0) * student[stage].Data.Zip(teacher[stage].Data, (s, t) =>
            t <= 0 ? (s > -margin ? (s + margin) * (s + margin) : 0) : (s <= margin ? (s - margin) * (s - margin) : 0)).Sum());

    public static double Overhaul(Grid student, Grid teacher, Grid margins)
    {
        double sum = 0;
        for (var i = 0; i < student.Data.Length; i++)
        {
            var perChannel = student.Size(2) * student.Size(3);
            var margin = margins.Data[margins.Data.Length == 1 ? 0 : i / perChannel % student.Size(1)];
            var (s, t) = (student.Data[i], teacher.Data[i]);
            sum += t > 0 ? (s - t) * (s - t)
                : t > margin ? (s > t ? (s - t) * (s - t) : 0)
                : s > margin ? (s - margin) * (s - margin) : 0;
        }

        return sum / student.Size(0);
    }

    public static double HierarchicalContext(Grid student, Grid teacher)
    {
        double Square(Grid left, Grid right) => left.Data.Zip(right.Data, (a, b) => (a - b) * (a - b)).Average();
        var (sum, weight, weights) = (Square(student, teacher), 1.0, 1.0);
        foreach (var size in new[] { 4, 2, 1 }.Where(size => size < student.Size(2)))
        {
            weight /= 2;
            weights += weight;
            sum += weight * Square(Pool(student, size, size), Pool(teacher, size, size));
        }

        return sum / weights;
    }

    public static double InterChannelCorrelation(Grid student, Grid teacher)
    {
        IEnumerable<double> Grams(Grid map) => Enumerable.Range(0, map.Size(0)).SelectMany(n => Enumerable.Range(0, map.Size(1)).SelectMany(i =>
            Unit([.. Enumerable.Range(0, map.Size(1)).Select(j => Dot(Channel(map, n, i), Channel(map, n, j)))])));
        return Grams(student).Zip(Grams(teacher), (a, b) => (a - b) * (a - b)).Sum() / (student.Size(1) * student.Size(0) * student.Size(0));
    }

    private static IEnumerable<int> Window(int from, int to, int index) =>
        Enumerable.Range(0, from).Where(i => i >= index * from / to && i < (((index + 1) * from) + to - 1) / to);

    private static double[] SpatialMap(Grid map, int sample, double p) => Unit([.. Enumerable.Range(0, map.Size(2) * map.Size(3)).Select(i =>
        Enumerable.Range(0, map.Size(1)).Average(c => Math.Pow(map.At(sample, c, i / map.Size(3), i % map.Size(3)), p)))]);

    private static double[] Channel(Grid map, int sample, int channel)
    {
        var positions = map.Size(2) * map.Size(3);
        var start = ((sample * map.Size(1)) + channel) * positions;
        return map.Data[start..(start + positions)];
    }

    private static double Dot(double[] left, double[] right) => left.Zip(right, (a, b) => a * b).Sum();

    private static double[] Unit(double[] vector)
    {
        var length = Math.Sqrt(Dot(vector, vector));
        return [.. vector.Select(value => value / length)];
    }
}
