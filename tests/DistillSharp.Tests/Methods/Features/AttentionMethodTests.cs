using DistillSharp.Losses.Features;
using DistillSharp.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Features;

public sealed class AttentionMethodTests
{
    [Theory]
    [InlineData(AttentionLoss.Code)]
    [InlineData(AttentionLoss.Paper)]
    public void Compute_SizesDiffer_GradientReachesStudentOnly(string variant)
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(AttentionMethod.Entry, new AttentionOptions { Variant = variant }, [[4, 3, 8, 8], [4, 6, 4, 4]], [[4, 5, 4, 4], [4, 7, 6, 6]]);
        Assert.Empty(test.Method.parameters());
        test.CheckGradients();
    }

    [Fact]
    public void Constructor_Vectors_SaysThatMapsAreNeeded()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new FeatureCase(AttentionMethod.Entry, new AttentionOptions(), [[4, 8]], [[4, 8]]));
        Assert.Contains("[batch, channels, height, width]", error.Message, StringComparison.Ordinal);
    }
}
