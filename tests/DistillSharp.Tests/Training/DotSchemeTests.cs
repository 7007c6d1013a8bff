using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Models;
using DistillSharp.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class DotSchemeTests
{
    private const double TaskSlope = 0.3;
    private const double DistillationSlope = -0.2;
    private const double CompanionSlope = 0.5;

    private static readonly TrainingOptions Options = new() { Epochs = 3, BatchSize = 2, LearningRate = 0.1, Momentum = 0.8, WeightDecay = 0.01, Schedule = LearningRateShape.Constant };

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 3)]
    public void Run_TwoGradients_EachHasItsMomentumAndDecayGoesWithTheTask(bool nesterov, int accumulate)
    {
        const double gap = 0.15;
        var options = Options with { Nesterov = nesterov, Accumulate = accumulate };
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var companion = test.Fill(nn.Linear(2, 2));
        var (before, companionBefore) = (TrainingCase.Numbers(student), TrainingCase.Numbers(companion));
        var job = TrainingCase.Job(student, null, TrainingCase.Samples(7, [6]), null, TrainingCase.Stage(options)) with
        {
            CreateTask = (_, _, _) => new SlopeTask(student, companion) { MomentumGap = gap },
        };
        Dictionary<string, float[]>? companionAfter = null;
        test.Run(job with { Finished = _ => companionAfter = TrainingCase.Numbers(companion) });

        // Four batches an epoch.
        var steps = 3 * ((4 + accumulate - 1) / accumulate);
        foreach (var (name, values) in TrainingCase.Numbers(student))
        {
            var decay = name.EndsWith("weight", StringComparison.Ordinal) ? options.WeightDecay : 0;
            for (var i = 0; i < values.Length; i++)
            {
                double p = before[name][i], task = 0, distillation = 0;
                for (var step = 0; step < steps; step++)
                {
                    var (own, other) = (TaskSlope + (decay * p), DistillationSlope);
                    task = (0.65 * task) + own;
                    distillation = (0.95 * distillation) + other;
                    p -= 0.1 * (nesterov ? own + (0.65 * task) + other + (0.95 * distillation) : task + distillation);
                }

                Assert.Equal(p, values[i], 2e-5);
            }
        }

        // What only distillation trains has the plain momentum.
        foreach (var (name, values) in companionAfter!)
        {
            var decay = name == "weight" ? options.WeightDecay : 0;
            for (var i = 0; i < values.Length; i++)
            {
                double p = companionBefore[name][i], velocity = 0;
                for (var step = 0; step < steps; step++)
                {
                    var own = CompanionSlope + (decay * p);
                    velocity = (0.8 * velocity) + own;
                    p -= 0.1 * (nesterov ? own + (0.8 * velocity) : velocity);
                }

                Assert.Equal(p, values[i], 2e-5);
            }
        }
    }

    [Fact]
    public void Run_GapNearZero_IsOfflineDistillation()
    {
        var offline = Distilled("offline");
        var dot = Distilled("{scheme: dot, delta: 0.0000001}");
        var wide = Distilled("{scheme: dot, delta: 0.15}");

        Assert.All(offline, entry => Assert.All(entry.Value.Zip(dot[entry.Key]), pair => Assert.Equal(pair.First, pair.Second, 1e-4)));
        Assert.Contains(offline, entry => entry.Value.Zip(wide[entry.Key]).Any(pair => Math.Abs(pair.First - pair.Second) > 1e-2));
    }

    [Theory]
    [InlineData("optimizer: adam", "optimizer", "must be sgd")]
    [InlineData("clip_norm: 1", "clip_norm", "no joint norm")]
    [InlineData("momentum: 0.95", "momentum", "below 0.925")]
    [InlineData("momentum: 0.05", "momentum", "above 0.075")]
    public void Read_SettingsThatTwoMomentaCannotHave_SaysWhereAndWhatWouldBeRight(string setting, string key, string message)
    {
        var fault = Recipes.RecipeText.OnlyFault($"{Recipes.RecipeText.Start}objective: {{scheme: dot, terms: [{{method: soft_target}}], training: {{{setting}}}}}\n");
        Assert.Equal("objective.training." + key, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Optimizer_GapWithAdam_Throws() =>
        Assert.Contains("optimizer: must be sgd", Assert.Throws<ArgumentException>(() =>
            new DistillSharp.Training.Optimizer([], new TrainingOptions { Optimizer = OptimizerKind.Adamw }, 0.1)).Message, StringComparison.Ordinal);

    private static Dictionary<string, float[]> Distilled(string yaml)
    {
        var scheme = SchemeCase.Read(yaml);
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var teacher = test.Mlp(6, 5);
        var stage = TrainingCase.Stage(Options with { BatchSize = 4 }, TrainingCase.SoftTargetTerm());
        test.Run(SchemeCase.Job(scheme, SchemeCase.Mlp(4), student, TrainingCase.Samples(22, [6]), null, stage, teacher));
        return TrainingCase.Numbers(student);
    }

    /// <summary>Losses whose gradients are known numbers.</summary>
    private sealed class SlopeTask : TrainingTask
    {
        public SlopeTask(Network student, nn.Module companion)
        {
            (Student, Companions) = (student, companion);
            TrainedParameters = CollectParameters();
        }

        public override Network Student { get; }

        public override nn.Module Companions { get; }

        public override IReadOnlyList<(string Name, Parameter Parameter)> TrainedParameters { get; }

        public override IReadOnlyList<LossPart> Compute(Batch batch, Progress progress) =>
        [
            new LossPart("task", LossTerm.FromMean(SumOf(Student) * TaskSlope, batch.Count), 1),
            new LossPart("terms", LossTerm.FromMean((SumOf(Student) * DistillationSlope) + (SumOf(Companions) * CompanionSlope), batch.Count), 1) { IsDistillation = true },
        ];

        private static Tensor SumOf(nn.Module module) => module.parameters().Select(parameter => parameter.sum()).Aggregate((sum, each) => sum + each);
    }
}
