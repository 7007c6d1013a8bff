using DistillSharp.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Features;

public sealed class FitnetMethodTests
{
    [Theory]
    [InlineData("regressor", new long[] { 4, 3, 8, 8 }, new long[] { 4, 5, 8, 8 })]
    [InlineData("regressor", new long[] { 4, 3, 8, 8 }, new long[] { 4, 5, 4, 4 })]
    [InlineData("regressor", new long[] { 4, 3, 12, 9 }, new long[] { 4, 5, 4, 3 })]
    [InlineData("regressor", new long[] { 4, 3, 7, 8 }, new long[] { 4, 5, 4, 4 })]
    [InlineData("regressor", new long[] { 4, 3, 4, 4 }, new long[] { 4, 5, 8, 8 })]
    [InlineData("regressor", new long[] { 4, 3, 4, 4 }, new long[] { 4, 5, 12, 16 })]
    [InlineData("regressor", new long[] { 4, 6 }, new long[] { 4, 9 })]
    [InlineData("regressor", new long[] { 4, 7, 6 }, new long[] { 4, 7, 9 })]
    [InlineData("conv1x1", new long[] { 4, 3, 5, 5 }, new long[] { 4, 5, 7, 3 })]
    [InlineData("none", new long[] { 4, 3, 5, 5 }, new long[] { 4, 3, 5, 5 })]
    public void Compute_Shapes_GradientReachesStudentAndProjectorOnly(string projector, long[] student, long[] teacher)
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = projector }, [student], [teacher]);
        Assert.Equal(projector != "none", test.Method.parameters().Any());
        test.CheckGradients();
    }

    [Fact]
    public void Compute_TwoPairs_SumsThem()
    {
        using var scope = NewDisposeScope();
        long[][] shapes = [[4, 3, 8, 8], [4, 6, 4, 4]];
        var test = new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = "none" }, shapes, shapes);
        var expected = test.Student.Zip(test.Teacher, (own, other) => (own - other).square().mean().item<float>()).Sum();
        Assert.Equal(expected, test.Loss().item<float>(), 1e-5);
    }

    [Theory]
    [InlineData("none", new long[] { 4, 3, 8, 8 }, new long[] { 4, 5, 8, 8 })]
    [InlineData("regressor", new long[] { 4, 3, 4, 4 }, new long[] { 4, 3, 6, 6 })]
    [InlineData("regressor", new long[] { 4, 3, 4, 4 }, new long[] { 4, 3 })]
    [InlineData("regressor", new long[] { 4, 3, 6 }, new long[] { 4, 5, 6 })]
    public void Constructor_ShapesThatDoNotFit_NamesFeaturesAndShapes(string projector, long[] student, long[] teacher)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = projector }, [student], [teacher]));
        Assert.Contains("`s0`", error.Message, StringComparison.Ordinal);
        Assert.Contains($"[{string.Join(", ", teacher)}]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_FeatureCountsDiffer_SaysBothCounts()
    {
        using var scope = NewDisposeScope();
        long[] shape = [4, 3, 8, 8];
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(FitnetMethod.Entry, new FitnetOptions(), [shape, shape], [shape]));
        Assert.Contains("2 student features and 1 teacher features", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_Mask_CountsValidPositions()
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = "none" }, [[2, 3, 4]], [[2, 3, 4]]);
        test.MaskFeatures(tensor(new float[] { 1, 1, 0, 1, 0, 0 }, 2, 3));
        var term = test.Term();
        Assert.Equal(3, term.Count);
        var difference = (test.Student.Single() - test.Teacher.Single()).square().mean([2]);
        Assert.Equal((difference[0, 0] + difference[0, 1] + difference[1, 0]).item<float>(), term.Sum.item<float>(), 1e-5);
    }
}
