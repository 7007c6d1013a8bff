using System.Text.Json;
using DistillSharp.Losses.Golden;
using DistillSharp.Tests.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Golden;

/// <summary>An array of doubles with a shape, for references without torch.</summary>
internal sealed record Grid(long[] Shape, double[] Data)
{
    /// <summary>Length of an axis.</summary>
    public int Size(int axis) => (int)Shape[axis];

    /// <summary>The element at a place.</summary>
    public double At(params int[] place)
    {
        var index = 0;
        for (var axis = 0; axis < place.Length; axis++)
        {
            index = (index * Size(axis)) + place[axis];
        }

        return Data[index];
    }

    /// <summary>The values of one row of a grid of two axes.</summary>
    public double[] Row(int row) => Data[(row * Size(1))..((row + 1) * Size(1))];
}

/// <summary>A reference vector made here: random inputs, a loss in plain loops, its gradient by central differences, written as a file is.</summary>
internal static class Vector
{
    /// <summary>Asserts that the prover passes a vector of these inputs.</summary>
    /// <param name="method">Recipe name.</param>
    /// <param name="options">As JSON.</param>
    /// <param name="inputs">Name and shape; names that start with <c>student.</c> are differentiated.</param>
    /// <param name="loss">The loss in loops.</param>
    /// <param name="change">Changes the random values of an input, such as into labels or masks.</param>
    public static void AssertProved(
        string method, string options, (string Name, long[] Shape)[] inputs, Func<IReadOnlyDictionary<string, Grid>, double> loss, Func<string, double[], double[]>? change = null)
    {
        var grids = new Dictionary<string, Grid>();
        foreach (var (name, shape) in inputs)
        {
            using var random = Numbers.Random(grids.Count + 1, shape);
            var values = random.data<double>().ToArray();
            grids[name] = new Grid(shape, change?.Invoke(name, values) ?? values);
        }

        var gradients = grids.Where(entry => entry.Key.StartsWith("student.", StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key, entry => Json(new Grid(entry.Value.Shape, Gradient(entry.Value.Data, () => loss(grids)))));
        var text = JsonSerializer.Serialize(new
        {
            method,
            reference = "loops in this test",
            options = JsonDocument.Parse(options).RootElement,
            inputs = grids.ToDictionary(entry => entry.Key, entry => Json(entry.Value)),
            loss = loss(grids),
            gradients,
        });
        var result = new GoldenProver(LossRegistry.Default(), new MetricRegistry()) { Dtype = ScalarType.Float64 }.ProveLoss(new GoldenFile(method, () => text));
        Assert.True(result.Passed, $"{method} {options}: {result.Message}");
        Assert.Equal(gradients.Count, result.GradientErrors.Count);
    }

    private static double[] Gradient(double[] values, Func<double> loss)
    {
        const double Step = 1e-5;
        var gradient = new double[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var kept = values[i];
            values[i] = kept + Step;
            var above = loss();
            values[i] = kept - Step;
            gradient[i] = (above - loss()) / (2 * Step);
            values[i] = kept;
        }

        return gradient;
    }

    private static object Json(Grid grid) => new { shape = grid.Shape, data = grid.Data };
}
