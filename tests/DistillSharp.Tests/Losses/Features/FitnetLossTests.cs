using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Features;

public sealed class FitnetLossTests
{
    [Fact]
    public void Compute_Maps_EqualsNaiveLoops()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 3, 4, 2, 3), Numbers.Random(2, 3, 4, 2, 3));
        var expected = Numbers.Rows(student).Zip(Numbers.Rows(teacher), (own, other) => own.Zip(other, (a, b) => (a - b) * (a - b)).Sum()).Sum() / (3 * 4 * 2 * 3);
        Numbers.Close(expected, FitnetLoss.Compute(student, teacher));
        Numbers.CheckGradient(student, input => FitnetLoss.Compute(input, teacher));
    }

    [Fact]
    public void Compute_Mask_LeavesPaddingOutEvenIfNotANumber()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 2, 3, 4), Numbers.Random(2, 2, 3, 4));
        var mask = tensor(new double[] { 1, 1, 0, 1, 0, 0 }, 2, 3);
        var positions = new[] { (0, 0), (0, 1), (1, 0) };
        var (own, other) = (Numbers.Maps(student), Numbers.Maps(teacher));
        var expected = positions.Sum(at => own[at.Item1][at.Item2].Zip(other[at.Item1][at.Item2], (a, b) => (a - b) * (a - b)).Sum()) / (3 * 4);
        teacher[0, 2] = double.NaN;
        Numbers.Close(expected, FitnetLoss.Compute(student, teacher, mask));
    }

    [Fact]
    public void Compute_ChannelsDiffer_NamesBothShapes()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => FitnetLoss.Compute(zeros(2, 3, 4, 4), zeros(2, 5, 4, 4)));
        Assert.Contains("[2, 3, 4, 4]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 5, 4, 4]", error.Message, StringComparison.Ordinal);
    }
}
