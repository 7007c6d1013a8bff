namespace DistillSharp.Tests.Losses;

/// <summary>Probabilities, divergences and gradients by explicit loops in double precision: the reference that losses are compared with.</summary>
internal static class NaiveRows
{
    public static double[][] Random(int rows, int columns, int seed, double scale = 2)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, columns).Select(_ => ((random.NextDouble() * 2) - 1) * scale).ToArray())];
    }

    public static double[] Softmax(double[] logits, double temperature = 1)
    {
        var total = 0.0;
        foreach (var logit in logits)
        {
            total += Math.Exp(logit / temperature);
        }

        return [.. logits.Select(logit => Math.Exp(logit / temperature) / total)];
    }

    /// <summary>Σ p·ln(p/q).</summary>
    public static double Divergence(double[] p, double[] q)
    {
        var sum = 0.0;
        for (var i = 0; i < p.Length; i++)
        {
            sum += p[i] * Math.Log(p[i] / q[i]);
        }

        return sum;
    }

    public static double[] Without(double[] row, int index) => [.. row.Where((_, i) => i != index)];

    /// <summary>Central differences of a function of a matrix.</summary>
    public static double[] Gradient(Func<double[][], double> function, double[][] at, double step = 1e-5)
    {
        var gradient = new List<double>();
        foreach (var row in at)
        {
            for (var i = 0; i < row.Length; i++)
            {
                var value = row[i];
                row[i] = value + step;
                var above = function(at);
                row[i] = value - step;
                var below = function(at);
                row[i] = value;
                gradient.Add((above - below) / (2 * step));
            }
        }

        return [.. gradient];
    }
}
