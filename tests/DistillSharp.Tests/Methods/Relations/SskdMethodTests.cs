using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses.Logits;
using DistillSharp.Methods;
using DistillSharp.Methods.Relations;
using DistillSharp.Signals;
using DistillSharp.Tests.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Relations;

[Collection(nameof(TorchGenerator))]
public sealed class SskdMethodTests
{
    private static readonly SskdOptions Options = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compute_Gradient_ReachesStudentAndItsHeadOnly(bool maps)
    {
        using var scope = NewDisposeScope();
        var test = new Case(maps);
        using var method = test.Create(Options);
        var loss = method.Compute(test.Input);
        loss.Mean.backward();
        Assert.Equal(3, loss.Count);
        Assert.All(test.Student, value => Assert.True(value.grad!.abs().sum().item<float>() > 0));
        Assert.All(test.Teacher, value => Assert.Null(value.grad));
        Assert.All(method.named_parameters(), parameter => Assert.Equal(parameter.name.StartsWith("student_head", StringComparison.Ordinal), parameter.parameter.grad is not null));
    }

    [Fact]
    public void PretrainingLoss_Gradient_ReachesTheTeachersHeadOnly()
    {
        using var scope = NewDisposeScope();
        var test = new Case(false);
        using var method = (SskdMethod)test.Create(Options);
        method.PretrainingLoss(test.Input.Teacher).backward();
        Assert.All(test.Teacher, value => Assert.Null(value.grad));
        Assert.All(method.named_parameters(), parameter => Assert.Equal(parameter.name.StartsWith("teacher_head", StringComparison.Ordinal), parameter.parameter.grad is not null));
        Assert.Same(method.get_parameter("teacher_head.0.weight"), method.PretrainedModule.get_parameter("0.weight"));
    }

    [Fact]
    public void Compute_OnlySoftTargets_IsTheirLossOnTheSamples()
    {
        using var scope = NewDisposeScope();
        var test = new Case(false);
        using var method = test.Create(Options with { SoftTargetWeight = 2, TransformedWeight = 0, SimilarityWeight = 0 });
        var expected = SoftTargetLoss.Compute(test.Input.Student.Logits.Value, test.Input.Teacher.Logits.Value, 4).Mean;
        Assert.Equal(2 * expected.item<float>(), method.Compute(test.Input).Mean.item<float>(), 1e-5);
    }

    [Fact]
    public void Compute_OnlyTransformed_LooksAtTurnedViews()
    {
        using var scope = NewDisposeScope();
        var test = new Case(false);
        using var method = test.Create(Options with { SoftTargetWeight = 0, SimilarityWeight = 0, TransformedWeight = 1 });
        var expected = SoftTargetLoss.Compute(test.Input.Student.Rotated!.Logits.Value, test.Input.Teacher.Rotated!.Logits.Value, 4).Mean;
        Assert.Equal(expected.item<float>(), method.Compute(test.Input).Mean.item<float>(), 1e-5);
    }

    [Fact]
    public void Compute_NoViews_SaysWhatIsMissing()
    {
        using var scope = NewDisposeScope();
        var test = new Case(false);
        using var method = test.Create(Options);
        var input = test.Input with { Student = test.Input.Student with { Rotated = null } };
        Assert.Contains("turned views", Assert.Throws<InvalidOperationException>(() => method.Compute(input)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_TwoPairsOrSequences_Throws()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("2 student", Assert.Throws<ArgumentException>(() => SskdMethod.Entry.Create(Options, FeatureCase.Context([[3, 4], [3, 4]], [[3, 4], [3, 4]]))).Message, StringComparison.Ordinal);
        Assert.Contains("`s0`", Assert.Throws<ArgumentException>(() => SskdMethod.Entry.Create(Options, FeatureCase.Context([[3, 4, 5]], [[3, 4, 5]]))).Message, StringComparison.Ordinal);
    }

    private sealed class Case
    {
        private readonly bool _maps;

        public Case(bool maps)
        {
            manual_seed(3);
            _maps = maps;
            Input = new MethodInput(Signals("s0", 4), Signals("t0", 6), Batch.Of(zeros(3, 1), tensor(new long[] { 0, 3, 1 }), [0, 1, 2]), Progress.Start);
        }

        public MethodInput Input { get; }

        public IEnumerable<Tensor> Student => Values(Input.Student);

        public IEnumerable<Tensor> Teacher => Values(Input.Teacher);

        public Method Create(SskdOptions options) =>
            SskdMethod.Entry.Create(options, FeatureCase.Context([_maps ? [3, 4, 2, 2] : [3, 4]], [_maps ? [3, 6, 2, 2] : [3, 6]]));

        private static IEnumerable<Tensor> Values(ModelSignals signals) =>
            new[] { signals, signals.Rotated! }.SelectMany(view => view.Features.Values.Append(view.Logits).Select(signal => signal.Value));

        private ModelSignals Signals(string feature, long width) => One(feature, 3, width) with { Rotated = One(feature, 9, width) };

        private ModelSignals One(string feature, long count, long width) => new(
            new Signal(randn(count, 5).requires_grad_(true)),
            new Dictionary<string, Signal> { [feature] = new((_maps ? randn(count, width, 2, 2) : randn(count, width)).requires_grad_(true)) });
    }
}
