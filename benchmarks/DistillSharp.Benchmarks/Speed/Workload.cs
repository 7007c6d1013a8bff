using DistillSharp.Data;
using DistillSharp.Methods;
using DistillSharp.Methods.Logits;
using DistillSharp.Models;
using DistillSharp.RunLog;
using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using DistillSharp.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>How a workload is trained, beside its networks.</summary>
/// <param name="Optimizer">Optimizer of both loops.</param>
/// <param name="Engine">What runs the teacher of our loop; the bare loop's is run by torch.</param>
/// <param name="Dropout">Share of hidden units of an MLP that both students drop.</param>
/// <param name="Store">Folder of a store through which our loop sees its teacher; null for none.</param>
internal sealed record WorkloadOptions(OptimizerKind Optimizer = OptimizerKind.Sgd, TeacherEngine Engine = TeacherEngine.Torch, double Dropout = 0, string? Store = null);

/// <summary>A student, perhaps a teacher, and synthetic data: what one row trains, by our trainer or by a bare loop.</summary>
internal sealed class Workload : IDisposable
{
    private const double SgdRate = 0.01;
    private const double AdamRate = 0.001;
    private const double Momentum = 0.9;
    private const double WeightDecay = 5e-4;
    private const double Temperature = 4;

    private readonly WorkloadOptions _options;
    private readonly Dataset _data;
    private readonly int _batchSize;
    private readonly Func<DatasetInfo, SingleInputNetwork> _createStudent;
    private readonly SingleInputNetwork? _teacher;
    private readonly Teacher? _ourTeacher;
    private readonly SingleInputNetwork _ours;
    private readonly SingleInputNetwork _bare;
    private readonly ObjectivePlan _plan;
    private readonly OptimizerHelper _optimizer;

    public Workload(DatasetInfo info, int batchSize, int steps, Func<DatasetInfo, SingleInputNetwork> student, Func<DatasetInfo, SingleInputNetwork>? teacher, WorkloadOptions? options = null)
    {
        _options = options ?? new WorkloadOptions();
        _data = SyntheticData.Floats(info, batchSize * steps);
        _batchSize = batchSize;
        _createStudent = student;
        _ours = Seeded(student);
        _bare = Seeded(student);
        _teacher = teacher is null ? null : Seeded(teacher);
        _teacher?.eval();
        foreach (var parameter in _teacher?.parameters() ?? [])
        {
            parameter.requires_grad = false;
        }

        if (_teacher is not null && _options.Engine != TeacherEngine.Torch)
        {
            using var batch = Source(0).Epoch(0).First();
            Choice = new EngineChooser(info, get_num_threads()).Choose(_options.Engine, _teacher, [], batch, passes: 1_000_000);
        }

        _ourTeacher = Choice?.Engine == TeacherEngine.Onnxruntime ? new ExportedTeacher(_teacher!, info, get_num_threads()) : _teacher;
        if (_options.Store is { } folder)
        {
            var samples = new Loader(_data, new LoaderOptions { Prefetch = 0 });
            _ourTeacher = new StoreTeacher(_ourTeacher, new StoreSource(new StoreOptions { Path = folder, Precision = StorePrecision.Float32, BatchSize = batchSize }, [], new Dictionary<string, string>(), samples));
        }

        _plan = CreatePlan();
        _optimizer = CreateOptimizer();
    }

    /// <summary>Which engine runs the teacher of our loop; null where it was not chosen.</summary>
    public EngineChoice? Choice { get; }

    /// <summary>784-800-800-10 at batch 128, perhaps taught by 784-1200-1200-10.</summary>
    public static Workload Mlp(int steps, bool taught, WorkloadOptions? options = null) => new(
        new DatasetInfo("synthetic", [1, 28, 28], Labels(10)), 128, steps,
        info => new Mlp(new MlpOptions { Widths = [800, 800], Dropout = options?.Dropout ?? 0 }, info),
        taught ? info => new Mlp(new MlpOptions { Widths = [1200, 1200] }, info) : null,
        options);

    /// <summary>ResNet-8×4 on 3×32×32 and 100 classes at batch 64, perhaps taught by ResNet-32×4.</summary>
    public static Workload ResNet(int steps, bool taught, WorkloadOptions? options = null) => new(
        new DatasetInfo("synthetic", [3, 32, 32], Labels(100)), 64, steps,
        info => new CifarResNet(new CifarResNetOptions { Depth = 8, WidthMultiplier = 4 }, info),
        taught ? info => new CifarResNet(new CifarResNetOptions { Depth = 32, WidthMultiplier = 4 }, info) : null,
        options);

    /// <summary>Batches in the data's order, made on the spot so that no other thread runs beside either loop.</summary>
    public TimedSource Source(int warmUp, Action<int>? requested = null) =>
        new(new Loader(_data, new LoaderOptions { BatchSize = _batchSize, Prefetch = 0 }), warmUp) { Requested = requested };

    /// <summary>One epoch by <see cref="Trainer"/>: the same code that a recipe runs, without checkpoints or a validation split.</summary>
    public void TrainOurs(TimedSource source)
    {
        var job = new TrainingJob(
            "benchmark", 0, _plan, _ours, _ => source,
            (stage, probe, data) => new OfflineTask(_ours, _ourTeacher, stage, probe, data),
            _ => new Dictionary<string, double> { ["top1"] = 0 },
            Checkpoints: null);
        new Trainer(new DiscardingSink(), TimeProvider.System).Run(job);
    }

    /// <summary>One epoch by hand, with TorchSharp's own optimizer and losses and nothing else.</summary>
    public void TrainBare(TimedSource source)
    {
        _bare.train();
        foreach (var batch in source.Epoch(0))
        {
            using (batch)
            using (NewDisposeScope())
            {
                _optimizer.zero_grad();
                var logits = _bare.forward(batch.Input);
                var loss = nn.functional.cross_entropy(logits, batch.Targets!);
                if (_teacher is not null)
                {
                    loss += SoftTargets(logits, batch);
                }

                loss.backward();
                _optimizer.step();
            }
        }
    }

    /// <summary>Largest difference between the two students' weights: both loops must have done the same arithmetic.</summary>
    public double LargestDifference()
    {
        using var scope = NewDisposeScope();
        return _ours.parameters().Zip(_bare.parameters(), (ours, bare) => (ours - bare).abs().max().ToDouble()).Max();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _ours.Dispose();
        _bare.Dispose();
        _teacher?.Dispose();
    }

    private static string[] Labels(int count) => [.. Enumerable.Range(0, count).Select(i => $"class {i}")];

    private Tensor SoftTargets(Tensor logits, Batch batch)
    {
        Tensor target;
        using (no_grad())
        {
            target = nn.functional.log_softmax(_teacher!.forward(batch.Input) / Temperature, -1);
        }

        var student = nn.functional.log_softmax(logits / Temperature, -1);
        return nn.functional.kl_div(student, target, log_target: true, reduction: nn.Reduction.Sum) * (Temperature * Temperature / batch.Count);
    }

    private SingleInputNetwork Seeded(Func<DatasetInfo, SingleInputNetwork> create)
    {
        random.manual_seed(create == _createStudent ? 1 : 2);
        return create(_data.Info);
    }

    private ObjectivePlan CreatePlan()
    {
        var training = new TrainingOptions
        {
            Epochs = 1,
            BatchSize = _batchSize,
            Optimizer = _options.Optimizer,
            LearningRate = _options.Optimizer == OptimizerKind.Sgd ? SgdRate : AdamRate,
            Momentum = Momentum,
            Nesterov = true,
            WeightDecay = WeightDecay,
            Schedule = LearningRateShape.Constant,
        };
        IReadOnlyList<MethodPlan> terms = _teacher is null
            ? []
            : [new MethodPlan(SoftTarget.Entry, new SoftTargetOptions { Temperature = Temperature }, 1, [], [], "soft_target")];
        return new ObjectivePlan(new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [new StagePlan("main", 1, terms, null, training)]);
    }

    private OptimizerHelper CreateOptimizer()
    {
        // Weight decay on weights alone, as our trainer has it.
        var parameters = _bare.parameters().ToArray();
        return _options.Optimizer == OptimizerKind.Sgd
            ? optim.SGD([Sgd(WeightDecay, each => each.dim() >= 2), Sgd(0, each => each.dim() < 2)], SgdRate, Momentum, nesterov: true)
            : optim.AdamW([AdamW(WeightDecay, each => each.dim() >= 2), AdamW(0, each => each.dim() < 2)], AdamRate);

        SGD.ParamGroup Sgd(double weightDecay, Func<Parameter, bool> belongs)
        {
            var options = new SGD.Options { LearningRate = SgdRate, momentum = Momentum, nesterov = true, weight_decay = weightDecay };
            return new SGD.ParamGroup(parameters.Where(belongs), options);
        }

        AdamW.ParamGroup AdamW(double weightDecay, Func<Parameter, bool> belongs) =>
            new(parameters.Where(belongs), new AdamW.Options { LearningRate = AdamRate, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = weightDecay });
    }

    private sealed class DiscardingSink : IRunEventSink
    {
        public void Write(RunEvent entry)
        {
        }
    }
}
