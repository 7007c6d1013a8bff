using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Teachers;
using DistillSharp.Tests.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>Which engine is chosen, by times that are given.</summary>
public sealed class EngineChooserTests
{
    private const long Many = 1000;
    private static readonly DatasetInfo Images = SampleData.Images(3, 16, 7);

    [Theory]
    [InlineData(0.30, 0.20, TeacherEngine.Onnxruntime)]
    [InlineData(0.30, 0.25, TeacherEngine.Onnxruntime)]
    [InlineData(0.30, 0.29, TeacherEngine.Torch)]
    [InlineData(0.20, 0.30, TeacherEngine.Torch)]
    public void Choose_Auto_TakesOnnxRuntimeWhereItIsATenthFaster(double torchSeconds, double onnxSeconds, TeacherEngine expected)
    {
        var choice = Choose(TeacherEngine.Auto, Many, (engine, pass) =>
        {
            pass();
            return engine == TeacherEngine.Torch ? torchSeconds : onnxSeconds;
        });

        Assert.Equal(expected, choice.Engine);
        Assert.Equal(torchSeconds * 1e3, choice.TorchMilliseconds!.Value, 9);
        Assert.Equal(onnxSeconds * 1e3, choice.OnnxruntimeMilliseconds!.Value, 9);
        Assert.InRange(choice.LargestDifference!.Value, 0, 1e-3);
        Assert.Contains($"{torchSeconds / onnxSeconds:0.00} times as fast", choice.Reason, StringComparison.Ordinal);
        Assert.Equal((4, 1), (choice.BatchSize, choice.Threads));
        Assert.Equal(["penultimate"], choice.Features);
    }

    [Fact]
    public void Choose_OneRoundOfTorchWasDisturbed_GoesByTheMedianOfRatios()
    {
        var round = 0;
        var choice = Choose(TeacherEngine.Auto, Many, (engine, _) => engine == TeacherEngine.Onnxruntime ? 0.2 : ++round == 4 ? 5 : 0.2);
        Assert.Equal(TeacherEngine.Torch, choice.Engine);
    }

    [Theory]
    [InlineData(19, TeacherEngine.Torch)]
    [InlineData(21, TeacherEngine.Onnxruntime)]
    public void Choose_Auto_IsOnlyWorthItForMuchWork(long passes, TeacherEngine expected)
    {
        var choice = Choose(TeacherEngine.Auto, passes, (engine, _) => engine == TeacherEngine.Torch ? 1 : 0.5);
        Assert.Equal(expected, choice.Engine);
        Assert.Equal(expected == TeacherEngine.Torch, choice.Reason.Contains("too little to choose for", StringComparison.Ordinal));
    }

    [Fact]
    public void Choose_Named_IsNotTimed()
    {
        static double Never(TeacherEngine engine, Action pass) => throw new InvalidOperationException("timed");

        Assert.Equal(TeacherEngine.Torch, Choose(TeacherEngine.Torch, Many, Never).Engine);
        var named = Choose(TeacherEngine.Onnxruntime, 1, Never);
        Assert.Equal(TeacherEngine.Onnxruntime, named.Engine);
        Assert.NotNull(named.LargestDifference);
    }

    [Fact]
    public void Choose_NetworkThatComputesSomethingElseThanItSays_IsRunByTorchOrRefused()
    {
        using var liar = new Liar();
        var auto = Choose(TeacherEngine.Auto, Many, (_, _) => 1, liar, []);
        Assert.Equal(TeacherEngine.Torch, auto.Engine);
        Assert.Contains("ONNX Runtime's `logits` differs from torch's", auto.Reason, StringComparison.Ordinal);

        var error = Assert.Throws<InvalidOperationException>(() => Choose(TeacherEngine.Onnxruntime, Many, (_, _) => 1, liar, []));
        Assert.Contains("use `engine: torch`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_FeatureThatTheDescriptionLacks_IsRunByTorchOrRefused()
    {
        using var network = new Undescribed();
        var auto = Choose(TeacherEngine.Auto, Many, (_, _) => 1, network, ["inner"]);
        Assert.Equal(TeacherEngine.Torch, auto.Engine);
        Assert.Contains("cannot be exported", auto.Reason, StringComparison.Ordinal);
        Assert.Contains("inner", auto.Reason, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => Choose(TeacherEngine.Onnxruntime, Many, (_, _) => 1, network, ["inner"]));
    }

    private static EngineChoice Choose(TeacherEngine wanted, long passes, Func<TeacherEngine, Action, double> time, Network? network = null, IReadOnlyList<string>? features = null)
    {
        using var scope = NewDisposeScope();
        using var own = network is null ? ExportedTeacherTests.Create("small_cnn") : null;
        using var batch = ExportedTeacherTests.Samples(4);
        return new EngineChooser(Images, 1, time).Choose(wanted, network ?? own!, features ?? ["penultimate"], batch, passes);
    }

    /// <summary>Describes its layer and adds one to what it gives.</summary>
    private sealed class Liar : SingleInputNetwork
    {
        private readonly TorchSharp.Modules.Linear fc = nn.Linear(3 * 16 * 16, 7);

        public Liar()
            : base("liar") => RegisterComponents();

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [new("logits", "fc")];

        public override Tensor forward(Tensor input) => fc.call(input.flatten(1)) + 1;

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Module(fc, graph.Flatten(input), "fc");
    }

    /// <summary>Describes its two layers as one, so that what lies between them has no name.</summary>
    private sealed class Undescribed : SingleInputNetwork
    {
        private readonly TorchSharp.Modules.Flatten inner = nn.Flatten();
        private readonly TorchSharp.Modules.Linear fc = nn.Linear(3 * 16 * 16, 7);

        public Undescribed()
            : base("undescribed") => RegisterComponents();

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [new("inner", "inner"), new("logits", "fc")];

        public override Tensor forward(Tensor input) => fc.call(inner.call(input));

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Module(fc, graph.Flatten(input), "fc");
    }
}
