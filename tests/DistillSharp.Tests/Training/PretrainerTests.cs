using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Methods.Relations;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;
using TorchSharp;

namespace DistillSharp.Tests.Training;

/// <summary>Methods that learn from the teacher before the student is trained, through the trainer.</summary>
// Alone: companions start from torch's generator, which the process shares.
[CollectionDefinition(nameof(PretrainerTests), DisableParallelization = true)]
[Collection(nameof(PretrainerTests))]
public sealed class PretrainerTests : IDisposable
{
    private static readonly MethodPlan[] Plans =
    [
        new(FactorTransferMethod.Entry, new FactorTransferOptions { PretrainEpochs = 3, PretrainLearningRate = 0.0005 }, 10, ["layer2"], ["layer2"], "factor_transfer"),
        new(SskdMethod.Entry, new SskdOptions { PretrainEpochs = 6, PretrainLearningRate = 1 }, 1, ["penultimate"], ["penultimate"], "sskd"),
    ];

    private static readonly TrainingOptions Options = new() { Epochs = 2, BatchSize = 6, LearningRate = 0.01, CheckpointSteps = 1, KeepCheckpoints = 20 };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Terms => [.. Plans.Select(plan => plan.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Terms))]
    public void Run_TermWithPretraining_LowersItsLossFirstAndThenLeavesTheModuleAlone(string term)
    {
        Train(term, "whole", new Sink(), out var sink);
        var note = Note(sink.Events)!.Message;
        var losses = note.Split("mean loss ")[1].Split(',').Select(part => double.Parse(part.Trim().Split(' ')[0], CultureInfo.InvariantCulture)).ToArray();
        Assert.True(losses[1] < losses[0], note);

        // Numbered by steps: the first was written before the student's first step.
        string[] files = [.. Directory.GetFiles(_folder.File("whole"), "step-*").Order(StringComparer.Ordinal)];
        using var first = new SafetensorsFile(files[0]);
        using var last = new SafetensorsFile(files[^1]);
        var (before, after) = (first.ReadAll(), last.ReadAll());
        var module = term == "sskd" ? "teacher_head" : "paraphrasers";
        var names = before.Keys.Where(name => name.StartsWith($"companions.{term}.{module}", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.True(before[name].equal(after[name]).all().ToBoolean(), name));
        Assert.DoesNotContain(after.Keys, name => name.StartsWith("optimizer.", StringComparison.Ordinal) && name.Contains(module, StringComparison.Ordinal));
        Assert.Contains(before.Keys, name => name.StartsWith("student.", StringComparison.Ordinal) && !before[name].equal(after[name]).all().ToBoolean());
    }

    [Theory]
    [InlineData("factor_transfer", -1)]
    [InlineData("factor_transfer", 0)]
    [InlineData("factor_transfer", 3)]
    [InlineData("sskd", -1)]
    [InlineData("sskd", 0)]
    [InlineData("sskd", 3)]
    public void Run_Interrupted_GoesOnToTheSameBits(string term, int step)
    {
        var expected = Train(term, "whole", new Sink(), out _);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Train(term, "cut", new Sink { Stop = stop, At = step }, out _));
        Assert.Equal(expected, Train(term, "cut", new Sink(), out var resumed));
        // Interrupted before a checkpoint held its outcome it starts over, else it does not.
        Assert.Equal(step < 0, Note(resumed.Events) is not null);
    }

    private static NoteLogged? Note(IEnumerable<RunEvent> events) =>
        events.OfType<NoteLogged>().SingleOrDefault(note => note.Message.Contains("trained on the teacher", StringComparison.Ordinal));

    private Dictionary<string, float[]> Train(string term, string folder, Sink events, out Sink sink)
    {
        sink = events;
        var test = new TrainingCase();
        using var teacher = test.Cnn([6, 24]);
        using var student = test.Cnn([4, 4]);
        using (torch.no_grad())
        {
            // Features that are not small beside the biases of a head.
            teacher.parameters().ToList().ForEach(parameter => parameter.mul_(4));
        }

        var samples = TrainingCase.Samples(24, [1, 4, 4]);
        var job = TrainingCase.Job(student, teacher, samples, new CheckpointStore(_folder.File(folder), 20, _ => { }), TrainingCase.Stage(Options, Plans.Single(plan => plan.Name == term)));
        if (events is { Stop: { } stop, At: < 0 })
        {
            var source = job.Source;
            job = job with { Source = stage => new StopsInSecondEpoch(source(stage), stop) };
        }

        new Trainer(events, TimeProvider.System).Run(job, events.Stop?.Token ?? TestContext.Current.CancellationToken);
        return TrainingCase.Numbers(student);
    }

    /// <summary>Keeps events, and cancels when a checkpoint of a step is written.</summary>
    private sealed class Sink : IRunEventSink
    {
        public List<RunEvent> Events { get; } = [];

        public CancellationTokenSource? Stop { get; init; }

        public int At { get; init; }

        public void Write(RunEvent runEvent)
        {
            Events.Add(runEvent);
            if (runEvent is CheckpointSaved saved && saved.Step == At)
            {
                Stop?.Cancel();
            }
        }
    }

    private sealed class StopsInSecondEpoch(IBatchSource inner, CancellationTokenSource stop) : IBatchSource
    {
        public DatasetInfo Info => inner.Info;

        public int SampleCount => inner.SampleCount;

        public int BatchCount => inner.BatchCount;

        public bool IsAugmented => inner.IsAugmented;

        public IEnumerable<Batch> Epoch(int epoch, int firstBatch, CancellationToken cancellation)
        {
            if (epoch == 1)
            {
                stop.Cancel();
            }

            return inner.Epoch(epoch, firstBatch, cancellation);
        }
    }
}
