using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Tests.Models;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>Small jobs whose every number is known: seeded samples, weights that do not come from torch's generator.</summary>
internal sealed class TrainingCase : IRunEventSink
{
    private readonly Random _random = new(11);

    public List<RunEvent> Events { get; } = [];

    public void Write(RunEvent runEvent) => Events.Add(runEvent);

    public TrainingOutcome Run(TrainingJob job, CancellationTokenSource? stop = null) =>
        new Trainer(this, TimeProvider.System).Run(job, stop?.Token ?? TestContext.Current.CancellationToken);

    /// <summary>Samples with clusters a class; every <paramref name="unlabelledEvery"/>th has no label.</summary>
    public static Dataset Samples(int count, long[] shape, int classes = 3, int unlabelledEvery = 0)
    {
        var random = new Random(5);
        var size = (int)shape.Aggregate(1L, (product, axis) => product * axis);
        var labels = Enumerable.Range(0, count).Select(i => i % classes).ToArray();
        var values = new float[count * size];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)(random.NextDouble() - 0.5 + (i / size % classes == i % size % classes ? 1 : 0));
        }

        for (var i = unlabelledEvery - 1; i >= 0 && i < count; i += unlabelledEvery)
        {
            labels[i] = -1;
        }

        return Dataset.FromFloats(new DatasetInfo("samples", shape, [.. Enumerable.Range(0, classes).Select(label => $"{label}")]), values, labels);
    }

    public Mlp Mlp(int inputs, int width, int classes = 3) =>
        Fill(new Mlp(new MlpOptions { Widths = [width] }, SampleData.Vectors(inputs, classes)));

    public SmallCnn Cnn(int[] channels, int side = 4, int classes = 3) =>
        Fill(new SmallCnn(new SmallCnnOptions { Channels = channels }, SampleData.Images(1, side, classes)));

    /// <summary>Overwrites weights and biases by numbers of this case's own generator: the process-wide one is shared by all tests.</summary>
    public T Fill<T>(T network)
        where T : nn.Module
    {
        using var noGradient = no_grad();
        foreach (var parameter in network.parameters())
        {
            var span = Math.Sqrt(3.0 / Math.Max(1, parameter.numel() / parameter.shape[0]));
            using var values = tensor(Enumerable.Range(0, (int)parameter.numel()).Select(_ => (float)(((_random.NextDouble() * 2) - 1) * span)).ToArray());
            using var shaped = values.reshape(parameter.shape);
            parameter.copy_(shaped);
        }

        return network;
    }

    public static StagePlan Stage(TrainingOptions training, params IReadOnlyList<MethodPlan> terms) => new("main", 1, terms, null, training);

    public static MethodPlan SoftTargetTerm(double temperature = 2, double weight = 1) =>
        new(SoftTarget.Entry, new SoftTargetOptions { Temperature = temperature }, weight, [], [], "soft_target");

    public static MethodPlan HintTerm(string student, string teacher) =>
        new(FitnetMethod.Entry, new FitnetOptions(), 1, [student], [teacher], "fitnet");

    public static TrainingJob Job(Network student, Network? teacher, Dataset samples, CheckpointStore? checkpoints, params IReadOnlyList<StagePlan> stages) => new(
        "arm", 0, new ObjectivePlan(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), stages), student,
        stage => new Loader(samples, new LoaderOptions { BatchSize = stage.Training.BatchSize, Shuffle = true, Seed = 3 }),
        (stage, probe, source) => new OfflineTask(student, teacher, stage, probe, source),
        _ => new Dictionary<string, double> { ["top1"] = 0.5 },
        checkpoints);

    /// <summary>Every parameter and buffer, as numbers.</summary>
    public static Dictionary<string, float[]> Numbers(nn.Module module) =>
        module.state_dict().ToDictionary(entry => entry.Key, entry =>
        {
            using var detached = entry.Value.detach();
            using var values = detached.to(ScalarType.Float32);
            return values.data<float>().ToArray();
        });
}
