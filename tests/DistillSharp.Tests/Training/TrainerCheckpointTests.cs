using System.Globalization;
using DistillSharp.Export;
using DistillSharp.Methods.Features;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;

namespace DistillSharp.Tests.Training;

public sealed class TrainerCheckpointTests : IDisposable
{
    private static readonly TrainingOptions Options = new()
    {
        Epochs = 3,
        BatchSize = 4,
        Accumulate = 2,
        Optimizer = OptimizerKind.Adamw,
        LearningRate = 0.01,
        WarmUpEpochs = 1,
        Ema = 0.9,
        CheckpointSteps = 2,
        Select = Selection.Best,
    };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(15)]
    public void Run_CancelledAfterAStep_GoesOnToTheSameBitsAndNumbers(int step)
    {
        var whole = new TrainingCase();
        var expected = RunFrom(whole, "whole", out var outcome);
        var first = new TrainingCase();
        Cut(first, step);

        var second = new TrainingCase();
        Assert.Equal(expected, RunFrom(second, "cut", out var resumed));
        Assert.Equal(outcome.SelectedEpoch, resumed.SelectedEpoch);
        Assert.Equal(outcome.State.Step, resumed.State.Step);
        var epochs = first.Events.Concat(second.Events).OfType<EpochEnded>().Select(epoch => (epoch.Epoch, epoch.Loss));
        Assert.Equal(whole.Events.OfType<EpochEnded>().Select(epoch => (epoch.Epoch, epoch.Loss)), epochs);
    }

    [Fact]
    public void Run_NewestCheckpointDamaged_GoesOnFromTheOneBeforeWithAWarning()
    {
        var expected = RunFrom(new TrainingCase(), "whole", out _);
        Cut(new TrainingCase(), 9);
        var newest = Store("cut").LatestPath!;
        File.WriteAllBytes(newest, File.ReadAllBytes(newest)[..^10]);

        Assert.Equal(expected, RunFrom(new TrainingCase(), "cut", out _));
        Assert.Contains(newest, Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_EveryCheckpointDamaged_SaysSoAndDeletesNothing()
    {
        Cut(new TrainingCase(), 9);
        var files = Directory.GetFiles(Store("cut").Folder, "step-*");
        Assert.True(files.Length > 1);
        foreach (var file in files)
        {
            File.WriteAllBytes(file, []);
        }

        var error = Assert.Throws<InvalidDataException>(() => RunFrom(new TrainingCase(), "cut", out _));
        Assert.All(files, file => Assert.Contains(file, error.Message, StringComparison.Ordinal));
        Assert.Contains("Delete the folder to train this job from the start", error.Message, StringComparison.Ordinal);
        Assert.Equal(files, Directory.GetFiles(Store("cut").Folder, "step-*"));
    }

    [Fact]
    public void Run_CheckpointOfAnotherNetwork_NamesTheTensor()
    {
        Cut(new TrainingCase(), 3);
        var test = new TrainingCase();
        using var other = test.Mlp(6, 9);
        var job = TrainingCase.Job(other, null, TrainingCase.Samples(38, [6]), Store("cut"), TrainingCase.Stage(Options));

        Assert.Contains("student tensor ", Assert.Throws<InvalidDataException>(() => test.Run(job)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_DiskFull_SaysSoAndEarlierCheckpointsStay()
    {
        if (!File.Exists("/dev/full"))
        {
            Assert.Skip("needs /dev/full");
        }

        var store = Store("full");
        Directory.CreateDirectory(store.Folder);

        // The temporary file of one checkpoint, whatever its number will be, is a device without space.
        using var probe = new AtomicFile(_folder.File("probe"));
        var next = int.Parse(probe.TemporaryPath.Split('-')[^1].Split('.')[0], CultureInfo.InvariantCulture);
        for (var number = next; number < next + 3000; number++)
        {
            File.CreateSymbolicLink(Path.Combine(store.Folder, $"step-000000008.safetensors.{Environment.ProcessId}-{number}.tmp"), "/dev/full");
        }

        var error = Assert.Throws<IOException>(() => RunFrom(new TrainingCase(), "full", out _));
        Assert.Contains("could not write checkpoint", error.Message, StringComparison.Ordinal);
        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("step-000000006.safetensors", store.LatestPath, StringComparison.Ordinal);
        using var kept = store.ReadLatest();
        Assert.Equal(6, TrainingState.FromJson(kept!.State).Step);
    }

    [Fact]
    public void Run_FolderThatCannotBeMade_SaysSo()
    {
        File.WriteAllText(_folder.File("file"), "");
        var error = Assert.Throws<IOException>(() => RunFrom(new TrainingCase(), Path.Combine("file", "below"), out _));
        Assert.Contains("could not write checkpoint", error.Message, StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(_folder.File("file")));
    }

    [Fact]
    public void Run_KilledBetweenCheckpoints_FindsTheBestWeightsThatTheNewestNames()
    {
        var options = Options with { Epochs = 4, CheckpointSteps = 0, CheckpointEvery = 2 };
        var accuracies = new Queue<double>([0.1, 0.2, 0.3, 0.1, 0.1, 0.2]);

        // In the fourth epoch of five steps: the third was better than what the checkpoint of the second knows of.
        Assert.Throws<NotSupportedException>(() => Train(Kill));
        Assert.Equal(2, Train(null).SelectedEpoch);
        Assert.Empty(accuracies);

        TrainingOutcome Train(Action<int>? afterStep)
        {
            var test = new TrainingCase();
            using var network = test.Fill(new RecordingNetwork(6, 3, afterStep));
            return test.Run(TrainingCase.Job(network, null, TrainingCase.Samples(38, [6]), Store("killed"), TrainingCase.Stage(options)) with
            {
                Validate = _ => new Dictionary<string, double> { ["top1"] = accuracies.Dequeue() },
            });
        }

        static void Kill(int done)
        {
            if (done == 16)
            {
                throw new NotSupportedException("killed");
            }
        }
    }

    [Fact]
    public void Run_ProjectorWithBatchNorm_TrainsItAndGoesOnFromItsStatistics()
    {
        var whole = Hinted("whole", null);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Hinted("cut", stop));

        Assert.Equal(whole, Hinted("cut", null));
        Assert.Equal(10 * Options.Epochs, Assert.Single(whole["fitnet.projectors.0.1.num_batches_tracked"]));
        Assert.All(whole["fitnet.projectors.0.1.running_mean"], mean => Assert.NotEqual(0, mean));

        // What is trained beside the student; ends with the first epoch where it may be stopped.
        Dictionary<string, float[]> Hinted(string name, CancellationTokenSource? source)
        {
            var test = new TrainingCase();
            using var student = test.Mlp(6, 4);
            using var teacher = test.Mlp(6, 5);
            var term = TrainingCase.HintTerm("hidden1", "hidden1") with { Options = new FitnetOptions { Projector = "regressor_bn_relu" } };
            var last = new Dictionary<string, float[]>();
            var job = TrainingCase.Job(student, teacher, TrainingCase.Samples(38, [6]), Store(name), TrainingCase.Stage(Options with { Select = Selection.Last }, term));
            test.Run(
                job with
                {
                    // Projectors come from torch's generator, which other tests draw from as well.
                    CreateTask = (stage, probe, samples) => Filled(test, job.CreateTask(stage, probe, samples)),
                    Validate = _ =>
                    {
                        source?.Cancel();
                        return new Dictionary<string, double> { ["top1"] = 0.5 };
                    },
                    Finished = task => last = TrainingCase.Numbers(task.Companions),
                },
                source);
            return last;
        }

        static TrainingTask Filled(TrainingCase test, TrainingTask task)
        {
            test.Fill(task.Companions);
            return task;
        }
    }

    private CheckpointStore Store(string name) => new(_folder.File(name), 2, _warnings.Add);

    private void Cut(TrainingCase test, int step)
    {
        using var source = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => RunFrom(test, "cut", out _, done => Cancel(done, step, source), source));

        static void Cancel(int done, int step, CancellationTokenSource source)
        {
            if (done == step)
            {
                source.Cancel();
            }
        }
    }

    // Five steps an epoch.
    private Dictionary<string, float[]> RunFrom(TrainingCase test, string name, out TrainingOutcome outcome, Action<int>? afterStep = null, CancellationTokenSource? stop = null)
    {
        using var network = test.Fill(new RecordingNetwork(6, 3, afterStep));
        var job = TrainingCase.Job(network, null, TrainingCase.Samples(38, [6]), Store(name), TrainingCase.Stage(Options)) with
        {
            Validate = evaluated => new Dictionary<string, double> { ["top1"] = Score(TrainingCase.Numbers(evaluated)["fc.bias"][0]) },
        };
        outcome = test.Run(job, stop);
        return TrainingCase.Numbers(network);

        // Any function of the weights does, as long as it picks an epoch.
        static double Score(float bias) => 0.5 + (0.4 * Math.Sin(1000 * bias));
    }
}
