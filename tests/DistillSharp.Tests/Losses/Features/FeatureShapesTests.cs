using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Losses.Features;

/// <summary>Shapes that do not fit: every loss refuses them by name instead of leaving them to torch.</summary>
public sealed class FeatureShapesTests
{
    private static readonly Dictionary<string, Func<Tensor, Tensor, Tensor>> Losses = new()
    {
        ["fitnet"] = (student, teacher) => FitnetLoss.Compute(student, teacher),
        ["attention"] = (student, teacher) => AttentionLoss.Compute(student, teacher),
        ["similarity"] = SimilarityLoss.Compute,
        ["nst"] = NeuronSelectivityLoss.Compute,
        ["fsp"] = (student, teacher) => FlowLoss.Compute([student, student], [teacher, teacher]),
        ["activation_boundary"] = (student, teacher) => ActivationBoundaryLoss.Compute([student], [teacher]),
        ["factor_transfer"] = (student, teacher) => FactorTransferLoss.Compute(student, teacher),
        ["factor_transfer paper"] = (student, teacher) => FactorTransferLoss.Compute(student, teacher, variant: FactorTransferLoss.Paper),
        ["overhaul"] = (student, teacher) => OverhaulLoss.Compute(student, teacher, tensor(-1.0)),
        ["review"] = HierarchicalContextLoss.Compute,
        ["inter_channel_correlation"] = InterChannelCorrelationLoss.Compute,
    };

    public static TheoryData<string> Names => [.. Losses.Keys];

    public static TheoryData<string> NeedEqualChannels =>
        ["fitnet", "fsp", "activation_boundary", "factor_transfer paper", "overhaul", "review", "inter_channel_correlation"];

    public static TheoryData<string> NeedEqualSizes => ["fitnet", "activation_boundary", "overhaul", "review"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Compute_BatchSizesDiffer_Throws(string name) => Refuses(name, [2, 3, 4, 4], [3, 3, 4, 4]);

    [Theory]
    [MemberData(nameof(Names))]
    public void Compute_EmptyAxis_Throws(string name) => Refuses(name, [2, 0, 4, 4], [2, 0, 4, 4]);

    [Theory]
    [MemberData(nameof(NeedEqualChannels))]
    public void Compute_ChannelsDiffer_Throws(string name) => Refuses(name, [2, 3, 4, 4], [2, 5, 4, 4]);

    [Theory]
    [MemberData(nameof(NeedEqualSizes))]
    public void Compute_SizesDiffer_Throws(string name) => Refuses(name, [2, 3, 4, 4], [2, 3, 5, 5]);

    [Theory]
    [MemberData(nameof(Names))]
    public void Compute_HalfPrecision_IsComputedInFloat32WithoutTeacherGradient(string name)
    {
        using var scope = NewDisposeScope();
        var student = Numbers.Random(1, 2, 3, 4, 4).half().requires_grad_(true);
        var teacher = Numbers.Random(2, 2, 3, 4, 4).half().requires_grad_(true);
        var loss = Losses[name](student, teacher);
        Assert.Equal(ScalarType.Float32, loss.dtype);
        loss.backward();
        Assert.NotNull(student.grad);
        Assert.Null(teacher.grad);
        Numbers.Close(Losses[name](student.@double(), teacher.@double()).item<double>(), loss.item<float>(), 1e-5);
    }

    [Fact]
    public void Compute_MarginsOfOtherChannels_Throws()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => OverhaulLoss.Compute(zeros(2, 3, 4, 4), zeros(2, 3, 4, 4), zeros(1, 2, 1, 1)));
    }

    [Fact]
    public void Compute_OneStageOfFsp_Throws()
    {
        using var scope = NewDisposeScope();
        var map = zeros(2, 3, 4, 4);
        Assert.Contains("at least 2", Assert.Throws<ArgumentException>(() => FlowLoss.Compute([map], [map])).Message, StringComparison.Ordinal);
    }

    private static void Refuses(string name, long[] student, long[] teacher)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => Losses[name](zeros(student), zeros(teacher)));
        Assert.Contains($"[{string.Join(", ", student)}]", error.Message, StringComparison.Ordinal);
        Assert.Contains($"[{string.Join(", ", teacher)}]", error.Message, StringComparison.Ordinal);
    }
}
