using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public class SelfDistillationTaskTests
{
    private const double Temperature = 2.5;
    private static readonly SelfDistillationOptions Options = new() { Heads = ["hidden1"], Temperature = Temperature, SoftWeight = 0.3, HintWeight = 0.05 };
    private static readonly StagePlan Stage = new("main", 0.8, [], null, new TrainingOptions());

    [Fact]
    public void Compute_VectorHead_PartsEqualNaiveRecomputation()
    {
        using var scope = NewDisposeScope();
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var batch = Sample([2, 0, 1, 1]);
        using var task = new SelfDistillationTask(student, Options, Stage, batch);
        test.Fill(task.Companions);
        var parts = task.Compute(batch, Progress.Start).ToDictionary(part => part.Name);

        // By hand, in doubles: one hidden layer, so the hidden feature is the deepest one too.
        var own = TrainingCase.Numbers(student);
        var head = TrainingCase.Numbers(task.Companions);
        var inputs = Rows(batch.Input, 6);
        var hidden = inputs.Select(row => Linear(row, own["fc1.weight"], own["fc1.bias"]).Select(value => Math.Max(0, value)).ToArray()).ToArray();
        var deepest = hidden.Select(row => Linear(row, own["fc.weight"], own["fc.bias"])).ToArray();
        var feature = hidden.Select(row => Linear(row, head["head_hidden1.bottleneck.linear.weight"], head["head_hidden1.bottleneck.linear.bias"]).Select(value => Math.Max(0, value)).ToArray()).ToArray();
        var logits = feature.Select(row => Linear(row, head["head_hidden1.classifier.weight"], head["head_hidden1.classifier.bias"])).ToArray();
        int[] labels = [2, 0, 1, 1];

        AssertPart(parts["hard_labels"], 0.8, CrossEntropy(deepest, labels), 4);
        AssertPart(parts["head_hidden1.hard_labels"], 0.8 * 0.7, CrossEntropy(logits, labels), 4);
        AssertPart(parts["head_hidden1.soft_target"], 0.3, Divergence(logits, deepest), 4);
        var hint = feature.Zip(hidden, (a, b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum()).Sum() / (4 * 4);
        AssertPart(parts["head_hidden1.hint"], 0.05, hint * 4, 4);
        Assert.Equal(4, parts.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void DeploysCompanions_Heads_WhereTheyAreKept(bool keep)
    {
        using var student = new TrainingCase().Mlp(6, 4);
        using var batch = Sample([2, 0]);
        using var task = new SelfDistillationTask(student, Options with { KeepHeads = keep }, Stage, batch);
        Assert.Equal(keep, task.DeploysCompanions);
    }

    [Fact]
    public void Compute_DeepestHead_GetsNoGradientFromItsPupils()
    {
        using var scope = NewDisposeScope();
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var batch = Sample([2, 0, 1, 1]);
        using var task = new SelfDistillationTask(student, Options, Stage, batch);
        var pupils = task.Compute(batch, Progress.Start).Where(part => part.Name != "hard_labels").Select(part => part.Term.Sum);
        pupils.Aggregate((total, each) => total + each).backward();

        var gradients = student.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad);
        Assert.Null(gradients["fc.weight"]);
        Assert.True(gradients["fc1.weight"]!.abs().sum().item<float>() > 0);
        Assert.All(task.Companions.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Fact]
    public void CountOf_EveryPart_IsTheCountOfItsTerm()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        using var batch = Sample([2, -1, 1, -1]);
        using var task = new SelfDistillationTask(student, Options, Stage, batch);

        var parts = task.Compute(batch, Progress.Start);
        Assert.Equal(4, parts.Count);
        Assert.All(parts, part => Assert.Equal(part.Term.Count, task.CountOf(part.Name, batch)));
    }

    [Fact]
    public void Compute_MapHead_SizedFromTheProbedShapes()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Cnn([3, 5]);
        using var batch = Batch.Of(ones(2, 1, 4, 4), tensor(new long[] { 0, 1 }), [0, 1]);
        using var task = new SelfDistillationTask(student, Options with { Heads = ["layer1", "layer2"] }, Stage, batch);

        var shapes = task.Companions.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.shape);
        Assert.Equal([5, 3, 1, 1], shapes["head_layer1.bottleneck.conv.weight"]);
        Assert.Equal([5, 5, 1, 1], shapes["head_layer2.bottleneck.conv.weight"]);
        Assert.Equal([3, 5], shapes["head_layer2.classifier.weight"]);
        Assert.Equal(7, task.Compute(batch, Progress.Start).Count);
    }

    [Fact]
    public void Constructor_UnknownPoint_ListsThoseThatExist()
    {
        using var student = new TrainingCase().Mlp(6, 4);
        using var batch = Sample([0, 1, 2, 0]);
        var error = Assert.Throws<ArgumentException>(() => new SelfDistillationTask(student, Options with { Heads = ["layer1"] }, Stage, batch));
        Assert.Contains("hidden1", error.Message, StringComparison.Ordinal);
    }

    private static Batch Sample(long[] labels) => Batch.Of(((arange(24, ScalarType.Float32) * 0.7).sin().reshape(4, 6) + 0.1).DetachFromDisposeScope(), tensor(labels).DetachFromDisposeScope(), [0, 1, 2, 3]);

    private static void AssertPart(LossPart part, double weight, double sum, double count)
    {
        Assert.Equal(weight, part.Weight, 1e-12);
        Assert.Equal(count, part.Term.Count);
        Assert.Equal(sum, part.Term.Sum.to(ScalarType.Float64).item<double>(), 1e-4);
    }

    private static double[][] Rows(Tensor values, int width) => [.. values.data<float>().ToArray().Select(value => (double)value).Chunk(width)];

    private static double[] Linear(double[] input, float[] weight, float[] bias) =>
        [.. bias.Select((offset, unit) => offset + input.Select((value, i) => value * weight[(unit * input.Length) + i]).Sum())];

    private static double[] LogSoftmax(double[] logits, double temperature)
    {
        var total = Math.Log(logits.Sum(value => Math.Exp(value / temperature)));
        return [.. logits.Select(value => (value / temperature) - total)];
    }

    private static double CrossEntropy(double[][] logits, int[] labels) => labels.Select((label, i) => -LogSoftmax(logits[i], 1)[label]).Sum();

    private static double Divergence(double[][] pupil, double[][] master)
    {
        var sum = 0.0;
        for (var i = 0; i < pupil.Length; i++)
        {
            var (p, q) = (LogSoftmax(master[i], Temperature), LogSoftmax(pupil[i], Temperature));
            sum += p.Zip(q, (x, y) => Math.Exp(x) * (x - y)).Sum();
        }

        return sum * Temperature * Temperature;
    }
}
