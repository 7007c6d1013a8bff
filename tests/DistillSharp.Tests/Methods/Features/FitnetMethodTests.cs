using DistillSharp.Data;
using DistillSharp.Methods.Features;
using DistillSharp.Models;
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
    [InlineData("regressor_bn_relu", new long[] { 4, 3, 8, 8 }, new long[] { 4, 5, 8, 8 })]
    [InlineData("regressor_bn_relu", new long[] { 4, 3, 12, 9 }, new long[] { 4, 5, 4, 3 })]
    [InlineData("regressor_bn_relu", new long[] { 4, 3, 7, 8 }, new long[] { 4, 5, 4, 4 })]
    [InlineData("regressor_bn_relu", new long[] { 4, 3, 4, 4 }, new long[] { 4, 5, 8, 8 })]
    [InlineData("regressor_bn_relu", new long[] { 4, 6 }, new long[] { 4, 9 })]
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
    [InlineData("regressor_bn_relu", new long[] { 4, 3, 4, 4 }, new long[] { 4, 3, 6, 6 })]
    [InlineData("regressor", new long[] { 4, 3, 6 }, new long[] { 4, 5, 6 })]
    public void Constructor_ShapesThatDoNotFit_NamesFeaturesAndShapes(string projector, long[] student, long[] teacher)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = projector }, [student], [teacher]));
        Assert.Contains("`s0`", error.Message, StringComparison.Ordinal);
        Assert.Contains($"[{string.Join(", ", teacher)}]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_BatchNormOverSequences_SaysWhatWouldBeRight()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = "regressor_bn_relu" }, [[4, 7, 6]], [[4, 7, 9]]));
        Assert.Contains("[4, 7, 6] is neither a map nor a vector, so `projector: regressor_bn_relu` does not apply; `regressor` does", error.Message, StringComparison.Ordinal);
        Assert.Contains("`s0`", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The regressor of contrastive representation distillation's code for a student's map of twice the teacher's size: 3 × 3 of stride 2, batch-norm, ReLU.</summary>
    [Fact]
    public void Compute_RegressorWithBatchNormAndRelu_IsTheReferenceImplementations()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var test = new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = "regressor_bn_relu" }, [[4, 3, 8, 8]], [[4, 5, 4, 4]]);
        var parameters = test.Method.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);
        Assert.Equal(["projectors.0.0.weight", "projectors.0.1.bias", "projectors.0.1.weight"], parameters.Keys.Order(StringComparer.Ordinal));
        var (convolution, scale, shift) = (parameters["projectors.0.0.weight"], parameters["projectors.0.1.weight"].uniform_(0.5, 1.5), parameters["projectors.0.1.bias"].uniform_(-0.5, 0.5));
        Assert.Equal([5L, 3L, 3L, 3L], convolution.shape);

        var map = nn.functional.conv2d(test.Student.Single(), convolution, strides: [2, 2], padding: [1, 1]);
        var centred = map - map.mean([0, 2, 3], keepdim: true);
        var normalised = centred / (centred.square().mean([0, 2, 3], keepdim: true) + 1e-5).sqrt();
        var expected = (normalised * scale.view(1, -1, 1, 1)) + shift.view(1, -1, 1, 1);
        Assert.Equal((expected.clamp_min(0) - test.Teacher.Single()).square().mean().item<float>(), test.Loss().item<float>(), 1e-4);
        Assert.True(test.Method.named_buffers().Single(entry => entry.name == "projectors.0.1.running_mean").buffer.abs().sum().item<float>() > 0);
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

    [Fact]
    public void CountOf_NetworkThatKnowsItsPositions_IsWhatComputeCounts()
    {
        using var scope = NewDisposeScope();
        var mask = tensor(new float[] { 1, 1, 0, 1, 0, 0 }, 2, 3);
        using var network = new Padded(mask);
        var test = new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = "none" }, [[2, 3, 4]], [[2, 3, 4]], studentNetwork: network);
        test.MaskFeatures(mask);
        var batch = Batch.Of(zeros(2, 3), null, [0, 1]);

        Assert.Equal((3.0, 3.0), (test.Term().Count, test.Method.CountOf(batch)));
        using var whole = new Padded(null);
        Assert.Equal(2, new FeatureCase(FitnetMethod.Entry, new FitnetOptions { Projector = "none" }, [[2, 3, 4]], [[2, 3, 4]], studentNetwork: whole).Method.CountOf(batch));
    }

    private sealed class Padded(Tensor? mask) : Network("padded")
    {
        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

        public override Tensor Logits(Batch batch) => batch.Input;

        public override Tensor? MaskOf(string feature, Batch batch) => mask;
    }
}
