using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Runs;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>Schemes as recipes name them, on small data.</summary>
internal static class SchemeCase
{
    /// <summary>A scheme's options, such as <c>{scheme: mutual_learning, count: 3}</c>.</summary>
    public static SchemeSpec Read(string yaml)
    {
        var errors = new ConfigErrors();
        var binder = new ConfigBinder(errors);
        binder.Use(node => ModelCatalog.Default().Read(node, binder));
        var spec = SchemeCatalog.Read(YamlConfig.Parse("scheme: " + yaml, errors)!.Get("scheme")!, binder);
        errors.ThrowIfAny();
        return spec!;
    }

    public static ModelSpec Mlp(int width, double dropout = 0)
    {
        var entry = ModelCatalog.Default().Find("mlp")!;
        return new ModelSpec(entry, new MlpOptions { Widths = [width], Dropout = dropout });
    }

    /// <summary>A task as the trainer builds it.</summary>
    public static TrainingTask Task(SchemeSpec scheme, ModelSpec model, Network student, StagePlan stage, IBatchSource source, Network? teacher = null)
    {
        using var probe = First(source);
        return scheme.Entry.CreateTask(scheme.Options, new TaskContext(student, model, teacher, stage, probe, source));
    }

    /// <summary>A job of one stage over images that are shifted at random.</summary>
    public static TrainingJob Job(SchemeSpec scheme, ModelSpec model, Network student, Dataset samples, CheckpointStore? checkpoints, StagePlan stage, Network? teacher = null) => new(
        "arm", 0, new ObjectivePlan(scheme, [stage]), student,
        each => Loader(samples, each.Training.BatchSize, scheme),
        (each, probe, source) => scheme.Entry.CreateTask(scheme.Options, new TaskContext(student, model, teacher, each, probe, source)),
        _ => new Dictionary<string, double> { ["top1"] = 0.5 },
        checkpoints);

    public static Loader Loader(Dataset samples, int batchSize, SchemeSpec scheme, bool shuffle = true) =>
        new(samples, new LoaderOptions { BatchSize = batchSize, Shuffle = shuffle, Seed = 3, Augment = new AugmentOptions { Shift = samples.Info.InputShape.Count == 3 ? 1 : 0 }, Partner = scheme.Entry.Partner });

    public static Batch First(IBatchSource source) => source.Epoch(0, 0, TestContext.Current.CancellationToken).First();

    /// <summary>The rows of a matrix in doubles.</summary>
    public static double[][] Rows(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        return [.. matrix.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray().Chunk((int)matrix.shape[1])];
    }

    public static double[] LogSoftmax(double[] logits, double temperature = 1)
    {
        var total = Math.Log(logits.Sum(value => Math.Exp(value / temperature)));
        return [.. logits.Select(value => (value / temperature) - total)];
    }

    /// <summary>T²·KL(softmax(target/T) ‖ softmax(own/T)), by loops.</summary>
    public static double Divergence(double[] own, double[] target, double temperature)
    {
        var (p, q) = (LogSoftmax(target, temperature), LogSoftmax(own, temperature));
        var sum = 0.0;
        for (var k = 0; k < p.Length; k++)
        {
            sum += Math.Exp(p[k]) * (p[k] - q[k]);
        }

        return sum * temperature * temperature;
    }

    public static double CrossEntropy(double[] logits, long label) => -LogSoftmax(logits)[label];

    public static void AssertPart(LossPart part, double weight, double sum, double count)
    {
        Assert.Equal(weight, part.Weight, 1e-12);
        Assert.Equal(count, part.Term.Count);
        Assert.Equal(sum, part.Term.Sum.to(ScalarType.Float64).item<double>(), 1e-4);
    }
}
