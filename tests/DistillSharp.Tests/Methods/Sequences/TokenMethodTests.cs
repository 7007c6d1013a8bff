using DistillSharp.Losses.Sequences;
using DistillSharp.Tests.Methods.Logits;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Sequences;

public sealed class TokenMethodTests
{
    private static readonly double[] Mask = [1, 1, 1, 1, 0, 0];
    private static readonly long[] Labels = [1, 2, 0, 3, -1, -1];

    [Fact]
    public void Compute_TokenMethods_CountValidPositions()
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([2, 3, 5], Labels, Mask);
        var soft = LogitCase.Create("token_soft_target", test).Compute(test.Input);
        var divergence = LogitCase.Create("token_jsd", test).Compute(test.Input);
        Assert.Equal(TokenLoss.SoftTarget(test.Student, test.Teacher, test.Mask, 1).Mean.item<double>(), soft.Mean.item<double>(), 1e-12);
        Assert.Equal(TokenLoss.JensenShannon(test.Student, test.Teacher, test.Mask, 0.5, 1).Mean.item<double>(), divergence.Mean.item<double>(), 1e-12);
        Assert.Equal((4.0, 4.0), (soft.Count, divergence.Count));
    }

    [Theory]
    [InlineData("soft_target")]
    [InlineData("logit_matching")]
    [InlineData("dkd")]
    [InlineData("generalized_jsd")]
    [InlineData("logit_standardization")]
    [InlineData("token_soft_target")]
    public void Compute_Padding_AddsNothing(string name)
    {
        using var scope = NewDisposeScope();
        var test = new LogitCase([2, 3, 5], Labels, Mask);
        var method = LogitCase.Create(name, test);
        var input = test.Input;
        var spoiled = input with { Student = input.Student with { Logits = input.Student.Logits with { Value = test.Student + (99 * (1 - test.Mask!.unsqueeze(-1))) * randn(5) } } };
        var (expected, actual) = (method.Compute(input), method.Compute(spoiled));
        Assert.Equal(expected.Mean.item<double>(), actual.Mean.item<double>(), 1e-12);
        Assert.Equal(4, actual.Count);
        Assert.Equal(4, method.CountOf(test.Batch));
    }

    [Fact]
    public void Create_NoPositions_SaysWhatIsNeeded()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => LogitCase.Create("token_jsd", new LogitCase([4, 5])));
        Assert.Contains("[batch, positions, vocabulary]", error.Message, StringComparison.Ordinal);
    }
}
