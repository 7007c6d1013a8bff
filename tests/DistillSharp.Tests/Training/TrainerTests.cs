using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Methods;
using DistillSharp.Methods.Features;
using DistillSharp.Methods.Relations;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public class TrainerTests
{
    private static readonly TrainingOptions Plain = new()
    {
        Epochs = 3,
        BatchSize = 8,
        LearningRate = 0.1,
        Schedule = LearningRateShape.Constant,
        Momentum = 0.9,
        WeightDecay = 0.01,
    };

    [Theory]
    [InlineData(19, 0)]
    [InlineData(24, 0)]
    [InlineData(23, 0)]
    [InlineData(22, 5)]
    public void Run_AccumulatedHalfBatches_EqualWholeBatches(int samples, int unlabelledEvery)
    {
        var data = TrainingCase.Samples(samples, [6], unlabelledEvery: unlabelledEvery);
        var (whole, wholeEvents) = Trained(data, Plain);
        var (halves, halvesEvents) = Trained(data, Plain with { BatchSize = 4, Accumulate = 2 });

        Assert.Equal(wholeEvents.Count, halvesEvents.Count);
        foreach (var (expected, actual) in wholeEvents.Zip(halvesEvents))
        {
            Assert.Equal(expected.Step, actual.Step);
            Assert.Equal(expected.Loss, actual.Loss, 1e-5);
            Assert.All(expected.Parts, part => Assert.Equal(part.Value, actual.Parts[part.Key], 1e-5));
        }

        Assert.All(whole, entry => Assert.All(entry.Value.Zip(halves[entry.Key]), pair => Assert.Equal(pair.First, pair.Second, 1e-5)));
    }

    [Fact]
    public void Run_TermThatCouplesSamples_RefusesAccumulationAndABatchOfOne()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var teacher = test.Mlp(6, 4);
        var term = new MethodPlan(PktMethod.Entry, Activator.CreateInstance(PktMethod.Entry.OptionsType)!, 1, ["penultimate"], ["penultimate"], "pkt");

        var accumulated = TrainingCase.Job(student, teacher, TrainingCase.Samples(16, [6]), null, TrainingCase.Stage(Plain with { Accumulate = 2 }, term));
        Assert.StartsWith("pkt compares the samples", Assert.Throws<InvalidOperationException>(() => test.Run(accumulated)).Message, StringComparison.Ordinal);

        var single = TrainingCase.Job(student, teacher, TrainingCase.Samples(17, [6]), null, TrainingCase.Stage(Plain, term));
        var error = Assert.Throws<InvalidOperationException>(() => test.Run(single));
        Assert.Contains("17 training samples in batches of 8 leave a batch of one sample", error.Message, StringComparison.Ordinal);
        Assert.Contains("pkt", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TermThatCountsFramesOfCtc_RefusesAccumulation()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var teacher = test.Mlp(6, 4);
        var samples = TrainingCase.Samples(16, [6]);
        var data = Dataset.FromFloats(
            samples.Info with { Ctc = new CtcInfo(["a", "b"], [], []) }, [.. Enumerable.Range(0, 16).SelectMany(i => samples.Floats(i).ToArray())], [.. Enumerable.Range(0, 16).Select(samples.Label)]);
        var job = TrainingCase.Job(student, teacher, data, null, TrainingCase.Stage(Plain with { Accumulate = 2 }, TrainingCase.SoftTargetTerm()));

        Assert.StartsWith("soft_target counts frames", Assert.Throws<InvalidOperationException>(() => test.Run(job)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_AveragedWeights_EqualNaiveAverageOverEveryStep()
    {
        using var network = new RecordingNetwork(6, 3);
        var average = network.Current.Select(value => (double)value).ToArray();
        new TrainingCase().Run(TrainingCase.Job(network, null, TrainingCase.Samples(20, [6]), null, TrainingCase.Stage(Plain with { Ema = 0.8 })));

        Assert.Equal(9, network.Weights.Count);
        foreach (var weights in network.Weights)
        {
            average = [.. average.Zip(weights, (mean, weight) => (0.8 * mean) + (0.2 * weight))];
        }

        Assert.All(average.Zip(network.Current), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.NotEqual(network.Weights[^1], network.Current);
    }

    [Fact]
    public void Run_AveragedWeights_CoverLayersThatAreDeployedWithTheStudent()
    {
        using var folder = new TemporaryFolder();
        var test = new TrainingCase();
        TrainingTask? task = null;
        var seen = new List<float[]>();
        using var student = test.Fill(new RecordingNetwork(6, 3, _ => seen.Add(Projector())));
        using var teacher = test.Mlp(6, 4);
        var (average, kept) = (Array.Empty<double>(), Array.Empty<float>());
        var checkpoints = new CheckpointStore(folder.File("checkpoints"), 1, _ => { });
        var term = new MethodPlan(SimkdMethod.Entry, new SimkdOptions(), 1, ["logits"], ["penultimate"], "simkd");
        var job = TrainingCase.Job(student, teacher, TrainingCase.Samples(16, [6]), checkpoints, TrainingCase.Stage(Plain with { Ema = 0.8 }, term));
        test.Run(job with
        {
            CreateTask = (stage, probe, source) =>
            {
                task = job.CreateTask(stage, probe, source);
                average = [.. Projector().Select(value => (double)value)];
                return task;
            },
            Finished = _ => kept = Projector(),
        });

        Assert.Equal(6, seen.Count);
        foreach (var weights in seen)
        {
            average = [.. average.Zip(weights, (mean, weight) => (0.8 * mean) + (0.2 * weight))];
        }

        Assert.All(average.Zip(kept), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.NotEqual(seen[^1], kept);
        using var saved = new SafetensorsFile(checkpoints.LatestPath!);
        var names = saved.Entries.Select(entry => entry.Name).Where(name => name.StartsWith("average.", StringComparison.Ordinal)).ToList();
        Assert.Contains("average.fc.weight", names);
        Assert.Contains(names, name => name.StartsWith("average.companions.simkd.projector.", StringComparison.Ordinal));
        // The teacher's classifier is deployed and not trained.
        Assert.DoesNotContain(names, name => name.Contains("classifier", StringComparison.Ordinal));

        float[] Projector() => TrainingCase.Numbers(task!.Companions)
            .First(entry => entry.Key.StartsWith("simkd.projector.", StringComparison.Ordinal) && entry.Key.EndsWith(".weight", StringComparison.Ordinal)).Value;
    }

    [Fact]
    public void Run_Clipping_BoundsEveryUpdate()
    {
        using var network = new RecordingNetwork(6, 3);
        var before = network.Current;
        var options = Plain with { Momentum = 0, Nesterov = false, WeightDecay = 0, LearningRate = 1, ClipNorm = 0.01 };
        new TrainingCase().Run(TrainingCase.Job(network, null, TrainingCase.Samples(20, [6]), null, TrainingCase.Stage(options)));

        foreach (var weights in network.Weights)
        {
            // The bias has its share of the norm.
            Assert.InRange(Math.Sqrt(weights.Zip(before, (now, then) => Math.Pow(now - then, 2)).Sum()), 0.005, 0.010001);
            before = weights;
        }
    }

    [Fact]
    public void Run_NaNInASample_StopsWithStepTermSamplesAndCheckpoint()
    {
        using var folder = new TemporaryFolder();
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        var checkpoints = new CheckpointStore(folder.File("checkpoints"), 2, _ => { });
        var data = Poisoned(30, 29);
        var job = TrainingCase.Job(student, null, data, checkpoints, TrainingCase.Stage(Plain with { BatchSize = 4, CheckpointSteps = 1 })) with
        {
            Source = stage => new Loader(data, new LoaderOptions { BatchSize = stage.Training.BatchSize }),
        };

        var error = Assert.Throws<TrainingDivergedException>(() => test.Run(job));

        Assert.Equal(8, error.Step);
        Assert.Equal("hard_labels", error.Term);
        Assert.Equal([28, 29], error.SampleIds);
        Assert.Contains("arm/seed-0, step 8: the loss term `hard_labels` is NaN. Sample ids of the batch: 28, 29", error.Message, StringComparison.Ordinal);
        Assert.Contains($"Last good checkpoint: {Path.Combine(checkpoints.Folder, "step-000000007.safetensors")}", error.Message, StringComparison.Ordinal);
        Assert.All(TrainingCase.Numbers(student).Values.SelectMany(values => values), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Run_NaNFromTheTeacher_NamesTheTermThatReadsIt()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var teacher = test.Mlp(6, 4);
        using (no_grad())
        {
            teacher.named_parameters().Single(entry => entry.name == "fc.bias").parameter.fill_(double.NaN);
        }

        var error = Assert.Throws<TrainingDivergedException>(() =>
            test.Run(TrainingCase.Job(student, teacher, TrainingCase.Samples(16, [6]), null, TrainingCase.Stage(Plain, TrainingCase.SoftTargetTerm()))));
        Assert.Equal("soft_target", error.Term);
        Assert.Equal(1, error.Step);
        Assert.Contains("No checkpoint was written", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WeightsOverflowInTheLastStep_FailsInsteadOfKeepingThem()
    {
        using var folder = new TemporaryFolder();
        using var network = new RecordingNetwork(6, 3);
        var checkpoints = new CheckpointStore(folder.File("checkpoints"), 2, _ => { });
        var options = Plain with { Epochs = 1, BatchSize = 20, LearningRate = 1e40 };

        var error = Assert.Throws<TrainingDivergedException>(() =>
            new TrainingCase().Run(TrainingCase.Job(network, null, TrainingCase.Samples(20, [6]), checkpoints, TrainingCase.Stage(options))));
        Assert.Equal(1, error.Step);
        Assert.Equal("weights", error.Term);
        Assert.Null(checkpoints.LatestPath);
    }

    [Fact]
    public void Run_LogitsOfTheValidationSplitNotFinite_CountAsDiverged()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        var job = TrainingCase.Job(student, null, TrainingCase.Samples(16, [6]), null, TrainingCase.Stage(Plain)) with
        {
            Validate = _ => ClassificationMetrics.Compute([1, float.NaN], [0], 2).Metrics,
        };

        var error = Assert.Throws<TrainingDivergedException>(() => test.Run(job));
        Assert.Equal("validation", error.Term);
        Assert.Equal(2, error.Step);
        Assert.StartsWith("arm/seed-0, step 2: a logit of the validation split is NaN. No checkpoint was written before it", error.Message, StringComparison.Ordinal);
        Assert.IsType<NonFiniteLogitsException>(error.InnerException);
    }

    [Fact]
    public void Run_BatchesOfTokens_NeedNoBatchSizeThatFits()
    {
        var test = new TrainingCase();
        using var student = test.Cnn([3]);
        var images = TrainingCase.Samples(9, [1, 4, 4]);
        var data = Dataset.FromFloats(
            images.Info with { Sequence = new SequenceInfo(3, 0, 1, 2, "") }, [.. Enumerable.Range(0, 9).SelectMany(i => images.Floats(i).ToArray())], [.. Enumerable.Range(0, 9).Select(images.Label)]);
        // Nine samples in batches of four would leave one; there are none of four.
        var options = Plain with { Epochs = 1, BatchSize = 4, BatchTokens = 100 };
        var job = TrainingCase.Job(student, null, data, null, TrainingCase.Stage(options)) with
        {
            Source = _ => new Loader(data, new LoaderOptions { BatchSize = 3 }),
        };

        Assert.Equal(3, test.Run(job).State.Step);
    }

    [Fact]
    public void Run_Teacher_StaysInEvaluationModeWithoutGradientAndUnchanged()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(16, 4);
        using var teacher = test.Cnn([3, 3]);
        var before = WeightsHash.Of(teacher);
        var stage = TrainingCase.Stage(Plain with { CacheTeacher = false }, TrainingCase.SoftTargetTerm());
        test.Run(TrainingCase.Job(student, teacher, TrainingCase.Samples(24, [1, 4, 4]), null, stage));

        Assert.Equal(before, WeightsHash.Of(teacher));
        Assert.False(teacher.training);
        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Run_HintStage_MovesNothingAfterThePointAndTheNextStageMovesAll()
    {
        var test = new TrainingCase();
        using var student = test.Cnn([3, 4]);
        using var teacher = test.Cnn([5, 5]);
        var before = TrainingCase.Numbers(student);
        Dictionary<string, float[]>? between = null;
        var options = Plain with { Ema = 0.7 };
        var hint = new StagePlan("hint", 0, [TrainingCase.HintTerm("layer1", "layer1")], "layer1", options);
        var soft = TrainingCase.Stage(options, TrainingCase.SoftTargetTerm());
        var job = TrainingCase.Job(student, teacher, TrainingCase.Samples(24, [1, 4, 4]), null, hint, soft);
        test.Run(job with
        {
            CreateTask = (stage, probe, source) =>
            {
                between = stage == soft ? TrainingCase.Numbers(student) : null;
                return job.CreateTask(stage, probe, source);
            },
        });

        foreach (var (name, values) in before)
        {
            // Batch-norm statistics count: a frozen layer's are part of it.
            var trained = name.StartsWith("conv1", StringComparison.Ordinal) || name.StartsWith("bn1", StringComparison.Ordinal);
            Assert.True(values.SequenceEqual(between![name]) != trained, name);
        }

        var after = TrainingCase.Numbers(student);
        Assert.All(between!, entry => Assert.NotEqual(entry.Value, after[entry.Key]));
        Assert.All(student.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void Run_BestOfTheLastStage_IsNotTakenFromAnEarlierOne()
    {
        using var folder = new TemporaryFolder();
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var teacher = test.Mlp(6, 5);
        var options = Plain with { Epochs = 2, Select = Selection.Best };
        var accuracies = new Queue<double>([0.9, 0.8, 0.4, 0.3, 0.4]);
        var seen = new List<Dictionary<string, float[]>>();
        var checkpoints = new CheckpointStore(folder.File("checkpoints"), 2, _ => { });

        // The second stage owns a projector, which the first stage's best file does not hold.
        var job = TrainingCase.Job(
            student, teacher, TrainingCase.Samples(24, [6]), checkpoints,
            TrainingCase.Stage(options, TrainingCase.SoftTargetTerm()) with { Name = "soft" },
            TrainingCase.Stage(options, TrainingCase.HintTerm("hidden1", "hidden1"))) with
        {
            Validate = network =>
            {
                seen.Add(TrainingCase.Numbers(network));
                return new Dictionary<string, double> { ["top1"] = accuracies.Dequeue() };
            },
        };
        var outcome = test.Run(job);

        Assert.Equal(3, outcome.SelectedEpoch);
        Assert.Equal(0.4, outcome.Validation["top1"]);
        Assert.Equal(seen[2], TrainingCase.Numbers(student));
    }

    [Fact]
    public void Run_BestWithoutCheckpoints_ReportsTheBestEpochsValidation()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        var accuracies = new Queue<double>([0.4, 0.9, 0.5]);
        var job = TrainingCase.Job(student, null, TrainingCase.Samples(24, [6]), null, TrainingCase.Stage(Plain with { Select = Selection.Best })) with
        {
            Validate = _ => new Dictionary<string, double> { ["top1"] = accuracies.Dequeue() },
        };

        // What tuning compares: the accuracy that the real job would keep.
        var outcome = test.Run(job);
        Assert.Equal(0.9, outcome.Validation["top1"]);
    }

    [Fact]
    public void Run_EmptySplit_SaysWhichDatasetIsEmpty()
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        var job = TrainingCase.Job(student, null, TrainingCase.Samples(4, [6]).Subset([]), null, TrainingCase.Stage(Plain));
        Assert.Contains("the training split of samples is empty", Assert.Throws<InvalidOperationException>(() => test.Run(job)).Message, StringComparison.Ordinal);
    }

    private static (Dictionary<string, float[]> Numbers, List<EpochEnded> Epochs) Trained(Dataset data, TrainingOptions options)
    {
        var test = new TrainingCase();
        using var student = test.Mlp(6, 5);
        using var teacher = test.Mlp(6, 7);
        test.Run(TrainingCase.Job(student, teacher, data, null, TrainingCase.Stage(options, TrainingCase.SoftTargetTerm())));
        return (TrainingCase.Numbers(student), [.. test.Events.OfType<EpochEnded>()]);
    }

    private static Dataset Poisoned(int count, int sample)
    {
        var values = Enumerable.Range(0, count * 6).Select(i => i / 6 == sample ? float.NaN : i % 7 / 7f).ToArray();
        return Dataset.FromFloats(new DatasetInfo("poisoned", [6], ["0", "1", "2"]), values, [.. Enumerable.Range(0, count).Select(i => i % 3)]);
    }
}
