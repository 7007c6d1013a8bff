using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Features;

/// <summary>Plain double arrays next to tensors, so that references are computed without torch.</summary>
internal static class Numbers
{
    /// <summary>Normal values in float64, the same for a seed.</summary>
    public static Tensor Random(int seed, params long[] shape)
    {
        var source = new Random(seed);
        var values = new double[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Math.Sqrt(-2 * Math.Log(1 - source.NextDouble())) * Math.Cos(2 * Math.PI * source.NextDouble());
        }

        return tensor(values, shape);
    }

    /// <summary>A map [N, C, H, W] as nested positions: [n][c][y * W + x].</summary>
    public static double[][][] Maps(Tensor map)
    {
        var (samples, channels) = (map.shape[0], map.shape[1]);
        using var flat = map.detach().to_type(ScalarType.Float64).contiguous();
        var values = flat.data<double>().ToArray();
        var positions = values.Length / (samples * channels);
        return [.. Enumerable.Range(0, (int)samples).Select(n => Enumerable.Range(0, (int)channels)
            .Select(c => values[(int)(((n * channels) + c) * positions)..(int)(((n * channels) + c + 1) * positions)]).ToArray())];
    }

    /// <summary>A matrix [N, D] as rows.</summary>
    public static double[][] Rows(Tensor matrix)
    {
        using var wide = matrix.detach().flatten(1).unsqueeze(1);
        return [.. Maps(wide).Select(sample => sample[0])];
    }

    /// <summary>The vector divided by its length.</summary>
    public static double[] Unit(IReadOnlyList<double> vector)
    {
        var length = Math.Sqrt(vector.Sum(value => value * value));
        return [.. vector.Select(value => value / length)];
    }

    /// <summary>Asserts that a scalar equals a reference to 1e-9 relative.</summary>
    public static void Close(double expected, Tensor actual) => Close(expected, actual.to_type(ScalarType.Float64).item<double>());

    /// <summary>Asserts that two numbers agree to 1e-9 relative.</summary>
    public static void Close(double expected, double actual, double tolerance = 1e-9) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"expected {expected:R}, got {actual:R}");

    /// <summary>Asserts that the gradient of a loss agrees with central differences at a few elements.</summary>
    public static void CheckGradient(Tensor at, Func<Tensor, Tensor> loss, double tolerance = 1e-5)
    {
        using var scope = NewDisposeScope();
        using var input = at.detach().clone().requires_grad_(true);
        loss(input).backward();
        var gradient = input.grad!.flatten().data<double>().ToArray();
        var values = at.detach().flatten().data<double>().ToArray();
        var scale = Math.Max(gradient.Max(Math.Abs), 1e-8);
        for (var i = 0; i < values.Length; i += Math.Max(1, values.Length / 11))
        {
            const double Step = 1e-5;
            double At(double shift)
            {
                var moved = values.ToArray();
                moved[i] += shift;
                return loss(tensor(moved, at.shape)).item<double>();
            }

            var difference = (At(Step) - At(-Step)) / (2 * Step);
            Assert.True(Math.Abs(difference - gradient[i]) <= tolerance * scale, $"element {i}: differences {difference:R}, gradient {gradient[i]:R}");
        }

        Assert.True(gradient.Any(value => value != 0), "the gradient is zero everywhere");
    }
}
