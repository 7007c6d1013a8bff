using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests;

/// <summary>Runs with a network that cannot be written as ONNX, or whose file computes something else.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class FailedExportTests : IDisposable
{
    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Run_TeacherThatCannotBeExported_TeachesWithoutAnOnnxFile()
    {
        var recipe = _runs.Read(SmallRuns.Common + "teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");
        var opaque = new ModelEntry("opaque", "", "", typeof(NamedModelOptions), _ => [], (_, data) => new Opaque(data));
        recipe = recipe with { Teacher = recipe.Teacher! with { Model = new ModelSpec(opaque, new NamedModelOptions()) } };
        var directory = _runs.Prepare(recipe);
        var results = new Experiment(recipe, directory, new RecordingSink()).Run(TestContext.Current.CancellationToken);

        Assert.Equal(["plain", "soft_target", "teacher"], results.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        Assert.Equal([false, true], new[] { "teacher", "soft_target" }.Select(arm => File.Exists(Path.ChangeExtension(directory.WeightsFile(arm, 0), ".onnx"))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_StudentWhoseExportDiffers_FailsAloneAndIsNamed(int jobs)
    {
        var (recipe, directory) = PrepareWithLiar(
            """
            teacher: {model: mlp, widths: [16]}
            objectives:
              differing: {student: {model: liar}, terms: [{method: soft_target}]}
              soft: {terms: [{method: soft_target}]}
            baselines: {plain: true}
            export: {arm: soft}
            seeds: [0]
            """);

        // Resumed, it fails alone again.
        for (var round = 0; round < 2; round++)
        {
            var experiment = new Experiment(recipe, directory, new RecordingSink(), new ExperimentOptions { Jobs = jobs, Launcher = new InProcessLauncher(recipe) });
            var error = Assert.Throws<JobsFailedException>(() => experiment.Run(TestContext.Current.CancellationToken));
            Assert.StartsWith("differing/seed-0: sample 0, output `logits` [0]: the exported network gives ", Assert.Single(error.Failures), StringComparison.Ordinal);
            Assert.Equal(["differing/seed-0"], error.Results!.Missing);
            Assert.Equal(["plain", "soft", "teacher"], error.Results!.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        }

        Assert.Equal(("soft", 0), StudentQuantiser.Exported(directory));
        Assert.True(File.Exists(directory.OnnxFile));
    }

    [Fact]
    public void Run_TeacherWhoseExportDiffers_TeachesWithoutAnOnnxFileAndSaysSo()
    {
        var (recipe, directory) = PrepareWithLiar("teacher: {model: liar}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n");
        var sink = new RecordingSink();

        var results = new Experiment(recipe, directory, sink).Run(TestContext.Current.CancellationToken);

        Assert.Equal(["plain", "soft_target", "teacher"], results.Arms.Select(arm => arm.Name).Order(StringComparer.Ordinal));
        Assert.Equal([false, true], new[] { "teacher", "soft_target" }.Select(arm => File.Exists(Path.ChangeExtension(directory.WeightsFile(arm, 0), ".onnx"))));
        Assert.Contains(
            sink.Written.OfType<NoteLogged>(), note => note.Level == "warning" && note.Message.StartsWith("teacher/seed-0 was not written as ONNX: sample 0, ", StringComparison.Ordinal));
    }

    private (Recipe Recipe, RunDirectory Directory) PrepareWithLiar(string text)
    {
        var catalogs = Catalogs.Default();
        catalogs.Models.Add(new ModelEntry("liar", "", "", typeof(NamedModelOptions), _ => [], (_, data) => new Liar(data)));
        var recipe = _runs.Read(SmallRuns.Common + text, catalogs: catalogs);
        return (recipe, _runs.Prepare(recipe));
    }

    /// <summary>A network that computes something else than it says.</summary>
    private sealed class Liar : SingleInputNetwork
    {
        private readonly Sequential layers;

        public Liar(DatasetInfo data)
            : base("liar")
        {
            var inputs = data.InputShape.Aggregate(1L, (product, axis) => product * axis);
            layers = nn.Sequential(("flatten", nn.Flatten()), ("fc", nn.Linear(inputs, data.Classes.Count)));
            RegisterComponents();
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];

        public override Tensor forward(Tensor input)
        {
            using var honest = layers.call(input);
            return honest + 1e-1;
        }

        public override GraphValue Describe(IGraphBuilder graph, GraphValue input) => graph.Module(layers, input, nameof(layers));
    }

    /// <summary>A network with a layer that no description knows.</summary>
    private sealed class Opaque : LayeredNetwork
    {
        public Opaque(DatasetInfo data)
            : base("opaque")
        {
            Append("flatten", nn.Flatten());
            Append("fc", nn.Linear(data.InputShape.Aggregate(1L, (product, axis) => product * axis), data.Classes.Count));
            Append("selu", nn.SELU());
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [];
    }
}
