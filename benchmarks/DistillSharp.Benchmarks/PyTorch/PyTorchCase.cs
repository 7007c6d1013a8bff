using DistillSharp.Benchmarks.Speed;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.PyTorch;

/// <summary>What both sides train, and our side of it.</summary>
internal sealed class PyTorchCase(string name, string folder, PythonProcess python)
{
    public const int BatchSize = 64;
    public const int StepsPerTurn = 10;
    public const int Turns = 5;
    private const int WarmUp = 2;
    private const int StudentDepth = 8;
    private const int TeacherDepth = 20;
    private const double LearningRate = 0.005;
    private const double Momentum = 0.9;
    private const double WeightDecay = 5e-4;
    private const double Temperature = 4;

    private static readonly DatasetInfo Info = new("synthetic", [3, 32, 32], [.. Enumerable.Range(0, 10).Select(i => $"class {i}")]);
    private static readonly Dataset Samples = SyntheticData.Floats(Info, BatchSize * StepsPerTurn);

    /// <summary>Names with the weights of hard labels and of the term.</summary>
    public static IReadOnlyDictionary<string, (double HardLabels, double Weight)> All { get; } = new Dictionary<string, (double, double)>
    {
        ["plain"] = (1, 0),
        ["soft_target"] = (0.1, 0.9),
        ["attention"] = (1, 100),
        ["fitnet"] = (1, 1),
    };

    /// <summary>Writes what the script reads: settings, batches, the networks' weights.</summary>
    public static void Prepare(string folder)
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder);
        RunJson.Save(Path.Combine(folder, "setting.json"), new
        {
            BatchSize,
            StudentDepth,
            TeacherDepth,
            Classes = Info.Classes.Count,
            LearningRate,
            Momentum,
            WeightDecay,
            Cases = All.ToDictionary(entry => entry.Key, entry => new { entry.Value.HardLabels, entry.Value.Weight, Temperature }),
        });
        using var all = new Loader(Samples, new LoaderOptions { BatchSize = Samples.Count, Prefetch = 0 }).Epoch(0).First();
        Safetensors.Write(Path.Combine(folder, "batches.safetensors"), new Dictionary<string, Tensor> { ["inputs"] = all.Input, ["targets"] = all.Targets! });
        foreach (var (file, depth, seed) in new[] { ("student", StudentDepth, 1), ("teacher", TeacherDepth, 2) })
        {
            random.manual_seed(seed);
            using var network = Network(depth);
            Safetensors.Write(Path.Combine(folder, file + ".safetensors"), network);
        }
    }

    /// <summary>Trains both sides in turns.</summary>
    public PyTorchRow Run()
    {
        using var student = Load("student", StudentDepth);
        using var teacher = Load("teacher", TeacherDepth);
        teacher.eval();
        var losses = new List<double>();
        var turns = new Turned(new TimedSource(new Loader(Samples, new LoaderOptions { BatchSize = BatchSize, Prefetch = 0 }), WarmUp), python);
        var job = new TrainingJob(
            "benchmark", 0, Plan(), student, _ => turns,
            (stage, probe, data) =>
            {
                var task = new OfflineTask(student, teacher, stage, probe, data);
                WriteProjector(task);
                python.Open(name);
                turns.Started = true;
                return task;
            },
            _ => new Dictionary<string, double> { ["top1"] = 0 },
            Checkpoints: null);
        new Trainer(new Losses(losses), TimeProvider.System).Run(job);
        var difference = losses.Zip(turns.TheirLosses, (one, other) => Math.Abs(one - other)).Max();
        var ratio = RatioStatistics.Row(name, [.. turns.Ours.Zip(turns.Theirs, (a, b) => a / b)], double.PositiveInfinity);
        return new PyTorchRow(
            name, losses.Count, difference, RatioStatistics.Median(turns.Ours) * 1e3, RatioStatistics.Median(turns.Theirs) * 1e3, ratio.Ratio, ratio.Low, ratio.High, losses, turns.TheirLosses);
    }

    private static CifarResNet Network(int depth) => new(new CifarResNetOptions { Depth = depth }, Info);

    private CifarResNet Load(string file, int depth)
    {
        var network = Network(depth);
        Safetensors.LoadInto(network, Path.Combine(folder, file + ".safetensors"));
        return network;
    }

    private void WriteProjector(OfflineTask task)
    {
        var projector = task.Companions.named_parameters().ToDictionary(entry => entry.name[(entry.name.LastIndexOf('.') + 1)..], entry => (Tensor)entry.parameter);
        if (projector.Count > 0)
        {
            Safetensors.Write(Path.Combine(folder, "projector.safetensors"), projector);
        }
    }

    private ObjectivePlan Plan()
    {
        var (hardLabels, weight) = All[name];
        var training = new TrainingOptions
        {
            Epochs = Turns,
            BatchSize = BatchSize,
            LearningRate = LearningRate,
            Momentum = Momentum,
            WeightDecay = WeightDecay,
            Schedule = LearningRateShape.Constant,
            CacheTeacher = false,
        };
        string[] stages = ["layer1", "layer2", "layer3"];
        IReadOnlyList<MethodPlan> terms = name switch
        {
            "soft_target" => [new MethodPlan(SoftTarget.Entry, new SoftTargetOptions { Temperature = Temperature }, weight, [], [], name)],
            "attention" => [new MethodPlan(AttentionMethod.Entry, new AttentionOptions(), weight, stages, stages, name)],
            "fitnet" => [new MethodPlan(FitnetMethod.Entry, new FitnetOptions(), weight, ["layer2"], ["layer2"], name)],
            _ => [],
        };
        return new ObjectivePlan(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [new StagePlan("main", hardLabels, terms, null, training)]);
    }

    /// <summary>Lets the other side train its turn before each epoch of ours.</summary>
    private sealed class Turned(TimedSource own, PythonProcess python) : IBatchSource
    {
        public bool Started { get; set; }

        public List<double> Ours { get; } = [];

        public List<double> Theirs { get; } = [];

        public List<double> TheirLosses { get; } = [];

        public DatasetInfo Info => own.Info;

        public int SampleCount => own.SampleCount;

        public int BatchCount => own.BatchCount;

        public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
        {
            if (Started)
            {
                var (losses, seconds) = python.Train(StepsPerTurn);
                TheirLosses.AddRange(losses);
                Theirs.Add(seconds);
            }

            foreach (var batch in own.Epoch(epoch, firstBatch, cancellation))
            {
                yield return batch;
            }

            Ours.Add(own.SecondsPerStep);
        }
    }

    private sealed class Losses(List<double> losses) : IRunEventSink
    {
        public void Write(RunEvent runEvent)
        {
            if (runEvent is StepLogged step)
            {
                losses.Add(step.Loss);
            }
        }
    }
}
