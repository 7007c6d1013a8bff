using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Tests.Recipes;
using DistillSharp.Tests.Training;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>The second head of DeiT in recipes: a term teaches it, and a head that nobody taught is not averaged.</summary>
public sealed class DistillationHeadTests : IDisposable
{
    private const string Text =
        """
        data: {dataset: digits}
        teacher: {model: mlp, widths: [8]}
        student: {model: deit, patch_size: 4, width: 12, depth: 1, heads: 3}
        training: {epochs: 1, batch_size: 4, optimizer: adamw, learning_rate: 0.01}
        objectives:
          soft: {terms: [{method: soft_target, student: distillation_logits}]}
          hard: {terms: [{method: soft_target, hard: true, student: distillation_logits}]}
          none: {terms: []}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly Dataset _data = TrainingCase.Samples(8, [1, 8, 8]);
    private readonly Recipe _recipe = RecipeText.Read(Text).Recipe;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("soft")]
    [InlineData("hard")]
    public void Compute_TermOnTheDistillationHead_HasAGradientThereAlone(string arm)
    {
        using var scope = NewDisposeScope();
        using var student = _recipe.Student.Create(_data.Info);
        using var teacher = Teacher();
        var source = new Loader(_data, new LoaderOptions { BatchSize = 8 });
        using var batch = source.Epoch(0, 0, TestContext.Current.CancellationToken).First();
        using var task = new OfflineTask(student, new LiveTeacher(teacher), Stage(arm) with { HardLabels = 0 }, batch, source);
        Assert.Single(task.Compute(batch, new Progress(0, 1))).Term.Mean.backward();

        var gradients = student.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad);
        Assert.True(gradients["head_dist.weight"]!.abs().sum().item<float>() > 0);
        Assert.True(gradients["dist_token"]!.abs().sum().item<float>() > 0);
        Assert.Null(gradients["head.weight"]);
    }

    [Theory]
    [InlineData("{model: deit, patch_size: 4, width: 96, depth: 1, heads: 3}", "head.weight", 0.02)]
    [InlineData("{model: deit, patch_size: 4, width: 96, depth: 1, heads: 3}", "pos_embed", 0.02)]
    [InlineData("{model: vit, patch_size: 4, width: 96, depth: 1, heads: 3}", "conv_proj.weight", 0.25)]
    public void Create_WeightsOfTransformers_AreNormal(string model, string name, double deviation)
    {
        using var scope = NewDisposeScope();
        using var network = RecipeText.Read(Text.Replace("{model: deit, patch_size: 4, width: 12, depth: 1, heads: 3}", model).Replace("student: distillation_logits", "weight: 1")).Recipe.Student.Create(_data.Info);
        var weights = network.get_parameter(name)!;

        // Half of the values of a normal are within 0.674 deviations.
        Assert.InRange(weights.std().item<float>() / deviation, 0.6, 1.5);
        Assert.InRange(weights.abs().median().item<float>() / deviation, 0.4, 1);
    }

    [Theory]
    [InlineData("soft", true)]
    [InlineData("hard", true)]
    [InlineData("none", false)]
    public void Forward_InEvaluation_AveragesTheHeadsWhereBothWereTaught(string arm, bool averages)
    {
        using var scope = NewDisposeScope();
        using var student = _recipe.Student.Create(_data.Info);
        using var teacher = Teacher();
        var test = new TrainingCase();
        test.Run(TrainingCase.Job(student, teacher, _data, null, Stage(arm)));

        student.eval();
        using var noGradient = no_grad();
        using var batch = new Loader(_data, new LoaderOptions { BatchSize = 8 }).Epoch(0, 0, TestContext.Current.CancellationToken).First();
        using var reader = new SignalReader(student, ["penultimate", "distillation_logits"]);
        var signals = reader.Read(batch);
        var state = student.state_dict();
        var first = nn.functional.linear(signals.Features["penultimate"].Value, state["head.weight"], state["head.bias"]);
        var expected = averages ? (first + signals.Features["distillation_logits"].Value) / 2 : first;
        Assert.True(allclose(expected, signals.Logits.Value, rtol: 1e-5, atol: 1e-6));
        Assert.Equal(averages, !allclose(first, signals.Logits.Value, rtol: 1e-5, atol: 1e-6));
        // The exported file does the same.
        Assert.Equal(8, OnnxExporter.Export(student, _data.Info, _folder.File("model.onnx"), batch.Input).Samples);
    }

    [Fact]
    public void Compute_PointOfAnotherShape_IsRefusedWithBothShapes()
    {
        using var scope = NewDisposeScope();
        using var student = _recipe.Student.Create(_data.Info);
        using var teacher = Teacher();
        var source = new Loader(_data, new LoaderOptions { BatchSize = 8 });
        using var batch = source.Epoch(0, 0, TestContext.Current.CancellationToken).First();
        var stage = Stage("soft");
        stage = stage with { Terms = [stage.Terms[0] with { StudentFeatures = ["penultimate"] }] };
        var error = Assert.Throws<ArgumentException>(() => new OfflineTask(student, new LiveTeacher(teacher), stage, batch, source));
        Assert.Contains("penultimate for its logits, and it has the shape [8, 12] where the logits have [8, 3]", error.Message, StringComparison.Ordinal);
    }

    private Network Teacher() => _recipe.Teacher!.Model!.Create(_data.Info);

    private StagePlan Stage(string arm) => _recipe.Objectives[arm].Stages[0];
}
