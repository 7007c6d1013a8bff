using DistillSharp.Data;
using DistillSharp.Tests.Training;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Signals;

/// <summary>Counts all tensors of the process, so no other test may run beside it.</summary>
[CollectionDefinition(nameof(LiveTensorTests), DisableParallelization = true)]
[Collection(nameof(LiveTensorTests))]
public class LiveTensorTests
{
    private static readonly TrainingOptions Options = new() { BatchSize = 8, Epochs = 17, LearningRate = 0.01, Ema = 0.9, ClipNorm = 1, CacheTeacher = false };

    [Theory]
    [InlineData("offline")]
    [InlineData("dot")]
    [InlineData("{scheme: self_distillation, heads: [layer1]}")]
    [InlineData("{scheme: mutual_learning, count: 3}")]
    [InlineData("progressive_self")]
    [InlineData("last_batch_self")]
    [InlineData("class_wise_self")]
    public void Run_FiftySteps_LeaveNoTensorMoreThanTheFirst(string scheme)
    {
        var test = new TrainingCase();
        using var student = test.Cnn([3, 4]);
        using var teacher = test.Cnn([5, 5]);
        var data = TrainingCase.Samples(24, [1, 4, 4]);
        var spec = SchemeCase.Read(scheme);
        var options = scheme == "dot" ? Options with { ClipNorm = 0 } : Options;
        var stage = spec.Entry.NeedsTeacher
            ? TrainingCase.Stage(options, TrainingCase.SoftTargetTerm(), TrainingCase.HintTerm("layer1", "layer1"))
            : TrainingCase.Stage(options);
        var counts = new List<long>();
        var job = TrainingCase.Job(student, teacher, data, null, stage) with
        {
            Source = _ => new Loader(data, new LoaderOptions { BatchSize = 8, Prefetch = 0, Partner = spec.Entry.Partner }),
            CreateTask = (each, probe, source) => spec.Entry.CreateTask(spec.Options, new TaskContext(student, SchemeCase.Mlp(4), teacher, each, probe, source)),
            Validate = _ =>
            {
                counts.Add(Tensor.TotalCount);
                return new Dictionary<string, double> { ["top1"] = 0 };
            },
        };
        test.Run(job);

        // Three steps an epoch. The finalizer may take away what earlier tests left, so the count may fall, never rise.
        Assert.Equal(17, counts.Count);
        Assert.InRange(counts[^1], 0, counts[0]);
    }
}
