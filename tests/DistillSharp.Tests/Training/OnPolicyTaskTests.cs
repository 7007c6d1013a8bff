using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Models;
using DistillSharp.Sequences;
using DistillSharp.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class OnPolicyTaskTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 1, BatchSize = 4, Momentum = 0.9 };

    [Fact]
    public void MomentumGap_IsThatOfTheTaskWithin()
    {
        using var student = new Writer();
        using var task = Task(student, new TeacherTargetsOptions());
        Assert.Equal(0.07, task.MomentumGap);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Run_BatchOfOneSample_IsTrainedOn(int tokens)
    {
        using var student = new Writer();
        Assert.Equal(3, new TrainingCase().Run(Job(student, Options with { BatchTokens = tokens })).State.Step);
    }

    [Theory]
    [InlineData(0, "batch_size")]
    [InlineData(100, "batch_tokens")]
    public void Run_Accumulation_IsRefusedForWhatIsNotWrittenYet(int tokens, string instead)
    {
        using var student = new Writer();
        var error = Assert.Throws<InvalidOperationException>(() => new TrainingCase().Run(Job(student, Options with { BatchTokens = tokens, Accumulate = 2 })));
        Assert.Equal($"on-policy distillation (`targets: {{by: student}}`) counts tokens that the student has yet to write, so accumulate must be 1; raise {instead} instead", error.Message);
    }

    private static OnPolicyTask Task(Writer student, TeacherTargetsOptions options) => new(new Within(student), options);

    // Nine samples in batches of four: the last has one.
    private static TrainingJob Job(Writer student, TrainingOptions options)
    {
        var samples = TrainingCase.Samples(9, [6]);
        var data = Dataset.FromFloats(
            samples.Info with { Sequence = student.Sequence }, [.. Enumerable.Range(0, 9).SelectMany(i => samples.Floats(i).ToArray())], [.. Enumerable.Range(0, 9).Select(samples.Label)]);
        // It writes none of the batches, which needs no search.
        return TrainingCase.Job(student, null, data, null, TrainingCase.Stage(options)) with
        {
            CreateTask = (_, _, _) => Task(student, new TeacherTargetsOptions { Share = 0 }),
        };
    }

    private sealed class Within : TrainingTask
    {
        public Within(Network student)
        {
            Student = student;
            MomentumGap = 0.07;
            TrainedParameters = CollectParameters();
        }

        public override Network Student { get; }

        public override nn.Module Companions { get; } = new ModuleBag([]);

        public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

        public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress) =>
            [new LossPart("logits", LossTerm.FromMean(Student.Logits(batch).square().mean(), batch.Count), 1) { IsDistillation = true }];
    }

    private sealed class Writer : Network, ISequenceNetwork
    {
        private readonly Linear fc;

        public Writer()
            : base("writer")
        {
            fc = nn.Linear(6, 3);
            RegisterComponents();
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [new("logits", "fc")];

        public override SequenceInfo Sequence { get; } = new(3, 0, 1, 2, "");

        public override Tensor Logits(Batch batch) => fc.call(batch.Input);

        public IStepModel OpenSteps(IReadOnlyList<int[]> sources, int width) => throw new NotSupportedException("it is not asked to write");
    }
}
