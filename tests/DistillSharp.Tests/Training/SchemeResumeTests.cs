using DistillSharp.Export;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>
/// Every scheme with a memory is stopped in the middle of an epoch and goes on to the same bits: weights, optimizer and memory.
/// Dropout and initial weights come from torch's one generator, so no other test may run beside it.
/// </summary>
[CollectionDefinition(nameof(SchemeResumeTests), DisableParallelization = true)]
[Collection(nameof(SchemeResumeTests))]
public sealed class SchemeResumeTests : IDisposable
{
    private static readonly TrainingOptions Options = new() { Epochs = 3, BatchSize = 8, LearningRate = 0.05, Ema = 0.9 };

    private static readonly string[] Schemes =
    [
        "{scheme: mutual_learning, count: 3, peers: [{model: mlp, widths: [5], dropout: 0.1}]}",
        "progressive_self",
        "last_batch_self",
        "class_wise_self",
        "{scheme: dot, delta: 0.05}",
    ];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var scheme in Schemes)
            {
                cases.Add(scheme, 3);
                cases.Add(scheme, 8);
                cases.Add(scheme, 14);
            }

            return cases;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_StoppedInAnEpoch_GoesOnToTheSameBits(string scheme, int step)
    {
        var expected = Run(scheme, "whole", null);
        Assert.Null(Run(scheme, "cut", step));
        Assert.Equal(expected, Run(scheme, "cut", null));
        Assert.Equal(LastCheckpoint("whole"), LastCheckpoint("cut"));
    }

    // 44 samples: five full batches and a short one an epoch.
    private Dictionary<string, float[]>? Run(string yaml, string name, int? stopAt)
    {
        var scheme = SchemeCase.Read(yaml);
        var model = SchemeCase.Mlp(6, dropout: 0.2);
        var samples = TrainingCase.Samples(44, [1, 3, 3]);
        using var student = new TrainingCase().Fill(model.Create(samples.Info));
        using var teacher = new TrainingCase().Fill(SchemeCase.Mlp(7).Create(samples.Info));
        var stage = scheme.Entry.NeedsTeacher ? TrainingCase.Stage(Options, TrainingCase.SoftTargetTerm()) : TrainingCase.Stage(Options);
        var job = SchemeCase.Job(scheme, model, student, samples, new CheckpointStore(_folder.File(name), 1, _ => { }), stage, teacher);
        using var stop = new CancellationTokenSource();
        try
        {
            new Trainer(new Stopper(stop, stopAt), TimeProvider.System).Run(job, stop.Token);
            return TrainingCase.Numbers(student);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private Dictionary<string, string> LastCheckpoint(string name)
    {
        using var saved = new CheckpointStore(_folder.File(name), 1, _ => { }).ReadLatest()!;
        return saved.Tensors.ToDictionary(entry => entry.Key, entry => WeightsHash.Of(new Dictionary<string, Tensor> { [entry.Key] = entry.Value }));
    }

    private sealed class Stopper(CancellationTokenSource source, int? step) : IRunEventSink
    {
        public void Write(RunEvent runEvent)
        {
            if (runEvent is StepLogged logged && logged.Step == step)
            {
                source.Cancel();
            }
        }
    }
}
