using DistillSharp.Losses.Relations;
using DistillSharp.Methods;
using DistillSharp.Methods.Relations;
using DistillSharp.Tests.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Relations;

public sealed class RelationMethodTests
{
    private static readonly long[][] Student = [[6, 5], [6, 3, 2, 2]];
    private static readonly long[][] Teacher = [[6, 8], [6, 4, 4, 4]];

    public static TheoryData<string, string, string> Cases => new()
    {
        { "rkd", "angle_weight", "50" }, { "pkt", "", "" },
        { "correlation_congruence", "variant", "code" }, { "correlation_congruence", "variant", "paper" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Compute_TwoPairs_GradientReachesStudentAndProjectorsOnly(string name, string key, string value)
    {
        using var scope = NewDisposeScope();
        var entry = MethodCatalog.Default().Find(name)!;
        object typed = double.TryParse(value, out var number) ? number : value;
        var test = new FeatureCase(entry, key.Length == 0 ? new PktOptions() : FeatureCase.Options(entry, (key, typed)), Student, Teacher);
        Assert.Equal(entry.Traits.HasFlag(MethodTraits.HasProjectors), test.Method.parameters().Any());
        test.CheckGradients();
    }

    [Fact]
    public void Rkd_TwoPairs_SumsTheirLosses()
    {
        using var scope = NewDisposeScope();
        var test = new FeatureCase(RkdMethod.Entry, new RkdOptions(), Student, Teacher);
        var expected = test.Student.Zip(test.Teacher, (own, other) => RelationalLoss.Compute(own, other, 25, 50).Mean.item<float>()).Sum();
        Assert.Equal(expected, test.Loss().item<float>(), 1e-5);
    }

    [Fact]
    public void CorrelationCongruence_WidthsDifferWithoutProjector_SaysWhatWouldBeRight()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() =>
            new FeatureCase(CorrelationCongruenceMethod.Entry, new CorrelationCongruenceOptions { Projector = "none" }, [[4, 5]], [[4, 8]]));
        Assert.Contains("projector: linear", error.Message, StringComparison.Ordinal);
        var paper = new FeatureCase(CorrelationCongruenceMethod.Entry, new CorrelationCongruenceOptions { Projector = "none", Variant = "paper" }, [[4, 5]], [[4, 8]]);
        Assert.Equal(
            CorrelationCongruenceLoss.Kernel(paper.Student.Single(), paper.Teacher.Single(), 0.4, 2).Mean.item<float>(), paper.Loss().item<float>(), 1e-6);
    }
}
