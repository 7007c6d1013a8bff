using DistillSharp.Losses;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses;

/// <summary>Compares a loss and its gradient with a function of plain arrays.</summary>
internal static class LossCheck
{
    /// <summary>Loss within 1e-9, gradient within 1e-6 of the naive function's finite differences, and nothing for the teacher.</summary>
    public static void Agrees(
        Func<Tensor, Tensor, LossTerm> loss, Func<double[][], double[][], double> naive, double[][] student, double[][] teacher)
    {
        using var scope = NewDisposeScope();
        var (s, t) = (Matrix(student).requires_grad_(true), Matrix(teacher));
        var mean = loss(s, t).Mean;
        Assert.Equal(naive(student, teacher), mean.item<double>(), 1e-9);
        mean.backward();
        var expected = NaiveRows.Gradient(at => naive(at, teacher), student);
        var actual = s.grad!.data<double>().ToArray();
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-6);
        }
    }

    public static Tensor Matrix(double[][] rows) => tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]);
}
