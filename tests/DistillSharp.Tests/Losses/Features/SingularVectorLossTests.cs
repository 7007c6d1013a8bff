using DistillSharp.Losses.Features;
using MathNet.Numerics.LinearAlgebra;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Features;

public sealed class SingularVectorLossTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Compute_EqualsDecompositionByAnotherLibrary(int components)
    {
        using var scope = NewDisposeScope();
        Tensor[] student = [Numbers.Random(1, 2, 3, 4, 4), Numbers.Random(2, 2, 4, 2, 3)];
        Tensor[] teacher = [Numbers.Random(3, 2, 3, 4, 4), Numbers.Random(4, 2, 4, 3, 3)];
        double expected = 0;
        for (var n = 0; n < 2; n++)
        {
            var early = Aligned(Numbers.Maps(student[0])[n], Numbers.Maps(teacher[0])[n], components);
            var late = Aligned(Numbers.Maps(student[1])[n], Numbers.Maps(teacher[1])[n], components);
            for (var k = 0; k < components; k++)
            {
                for (var i = 0; i < 4; i++)
                {
                    for (var j = 0; j < 3; j++)
                    {
                        var own = Math.Exp(-Math.Pow(late.Student[k][i] - early.Student[k][j], 2) / 8);
                        var other = Math.Exp(-Math.Pow(late.Teacher[k][i] - early.Teacher[k][j], 2) / 8);
                        expected += (own - other) * (own - other) / 2;
                    }
                }
            }
        }

        Numbers.Close(expected, SingularVectorLoss.Compute(student, teacher, components));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Compute_Gradient_EqualsDifferences(int components)
    {
        using var scope = NewDisposeScope();
        Tensor[] student = [Numbers.Random(1, 2, 3, 4, 4), Numbers.Random(2, 2, 4, 2, 3)];
        Tensor[] teacher = [Numbers.Random(3, 2, 3, 4, 4), Numbers.Random(4, 2, 4, 3, 3)];
        Numbers.CheckGradient(student[0], input => SingularVectorLoss.Compute([input, student[1]], teacher, components));
        Numbers.CheckGradient(student[1], input => SingularVectorLoss.Compute([student[0], input], teacher, components));
    }

    [Fact]
    public void Compute_StudentEqualsTeacher_IsZero()
    {
        using var scope = NewDisposeScope();
        Tensor[] maps = [Numbers.Random(1, 2, 3, 4, 4), Numbers.Random(2, 2, 4, 2, 3)];
        Assert.Equal(0, SingularVectorLoss.Compute(maps, maps).item<double>(), 1e-20);
    }

    [Fact]
    public void Compute_ChannelsThatAreNeverActive_HasAFiniteGradient()
    {
        using var scope = NewDisposeScope();
        var map = Numbers.Random(1, 2, 6, 2, 2);
        map.narrow(1, 2, 4).zero_();
        map.requires_grad_(true);
        SingularVectorLoss.Compute([map, map * 2], [Numbers.Random(3, 2, 6, 2, 2), Numbers.Random(4, 2, 6, 2, 2)]).backward();
        Assert.True(map.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Compute_MoreComponentsThanPositions_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor[] maps = [zeros(2, 9, 2, 2), zeros(2, 9, 2, 2)];
        Assert.Contains("5 components", Assert.Throws<ArgumentException>(() => SingularVectorLoss.Compute(maps, maps, 5)).Message, StringComparison.Ordinal);
    }

    private static (double[][] Student, double[][] Teacher) Aligned(double[][] student, double[][] teacher, int components)
    {
        // Channels are rows of the nested arrays, so right singular vectors of [positions, channels] are left ones here.
        var (own, other) = (Matrix<double>.Build.DenseOfRowArrays(student).Svd(), Matrix<double>.Build.DenseOfRowArrays(teacher).Svd());
        var scales = Numbers.Unit([.. other.S.Take(components)]);
        var result = (Student: new double[components][], Teacher: new double[components][]);
        for (var k = 0; k < components; k++)
        {
            var target = other.U.Column(k);
            target *= Math.Sign(target[target.AbsoluteMaximumIndex()]);
            var candidate = Enumerable.Range(0, Math.Min(components + 3, student.Length)).Select(own.U.Column).MaxBy(vector => Math.Abs(vector * target))!;
            result.Student[k] = [.. candidate * (Math.Sign(candidate * target) * scales[k])];
            result.Teacher[k] = [.. target * scales[k]];
        }

        return result;
    }
}
