using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Features;

public sealed class AttentionLossTests
{
    [Theory]
    [InlineData(2, AttentionLoss.Code)]
    [InlineData(3, AttentionLoss.Code)]
    [InlineData(2, AttentionLoss.Paper)]
    [InlineData(4, AttentionLoss.Paper)]
    public void Compute_EqualSizes_EqualsNaiveLoops(double p, string variant)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 3, 4, 2, 3), Numbers.Random(2, 3, 5, 2, 3));
        Numbers.Close(Naive(Numbers.Maps(student), Numbers.Maps(teacher), p, variant), AttentionLoss.Compute(student, teacher, p, variant));
    }

    [Fact]
    public void Compute_TeacherTwiceAsLarge_PoolsTheTeacher()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 2, 3, 2, 2), Numbers.Random(2, 2, 3, 4, 4));
        var pooled = Numbers.Maps(teacher).Select(sample => sample.Select(map => Enumerable.Range(0, 4)
            .Select(i => (Y: i / 2 * 2, X: i % 2 * 2))
            .Select(at => (map[(at.Y * 4) + at.X] + map[(at.Y * 4) + at.X + 1] + map[((at.Y + 1) * 4) + at.X] + map[((at.Y + 1) * 4) + at.X + 1]) / 4).ToArray()).ToArray()).ToArray();
        Numbers.Close(Naive(Numbers.Maps(student), pooled, 2, AttentionLoss.Code), AttentionLoss.Compute(student, teacher));
    }

    [Theory]
    [InlineData(1, AttentionLoss.Code)]
    [InlineData(2, AttentionLoss.Paper)]
    public void Compute_Gradient_EqualsDifferences(double p, string variant)
    {
        using var scope = NewDisposeScope();
        var teacher = Numbers.Random(4, 2, 5, 2, 2);
        Numbers.CheckGradient(Numbers.Random(3, 2, 3, 4, 4), student => AttentionLoss.Compute(student, teacher, p, variant));
    }

    [Fact]
    public void Compute_HalfPrecision_IsComputedInFloat32()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Numbers.Random(1, 2, 3, 2, 2).half(), Numbers.Random(2, 2, 3, 2, 2).half());
        var loss = AttentionLoss.Compute(student, teacher);
        Assert.Equal(ScalarType.Float32, loss.dtype);
        Numbers.Close(Naive(Numbers.Maps(student), Numbers.Maps(teacher), 2, AttentionLoss.Code), loss.item<float>(), 1e-6);
    }

    [Fact]
    public void Compute_BatchSizesDiffer_NamesBothShapes()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => AttentionLoss.Compute(zeros(2, 3, 4, 4), zeros(3, 3, 4, 4)));
        Assert.Contains("[2, 3, 4, 4]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[3, 3, 4, 4]", error.Message, StringComparison.Ordinal);
    }

    private static double Naive(double[][][] student, double[][][] teacher, double p, string variant)
    {
        double Value(double x) => Math.Pow(variant == AttentionLoss.Paper ? Math.Abs(x) : x, p);
        double[] Attention(double[][] channels) => Numbers.Unit([.. Enumerable.Range(0, channels[0].Length).Select(i => channels.Sum(channel => Value(channel[i])) / channels.Length)]);

        double sum = 0;
        foreach (var (own, other) in student.Zip(teacher))
        {
            var squares = Attention(own).Zip(Attention(other), (a, b) => (a - b) * (a - b)).Sum();
            sum += variant == AttentionLoss.Paper ? Math.Sqrt(squares) : squares / own[0].Length;
        }

        return sum / student.Length;
    }
}
