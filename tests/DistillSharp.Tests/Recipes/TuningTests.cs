using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Training;

namespace DistillSharp.Tests.Recipes;

public sealed class TuningTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 40, Milestones = [10, 30], StepEpochs = 12, WarmUpEpochs = 5 };

    [Theory]
    [InlineData(80, new[] { 20.0, 60 }, 24, 5.0)]
    [InlineData(20, new[] { 5.0, 15 }, 6, 5.0)]
    [InlineData(4, new[] { 1.0, 3 }, 1, 4.0)]
    [InlineData(1, new[] { 0.25, 0.75 }, 1, 1.0)]
    [InlineData(40, new[] { 10.0, 30 }, 12, 5.0)]
    public void WithEpochs_OtherNumber_DecaysAtTheSameFractions(int epochs, double[] milestones, int step, double warmUp)
    {
        var training = Assert.Single(Tuning.WithEpochs(Plan(Options), epochs).Stages).Training;

        Assert.Equal(epochs, training.Epochs);
        Assert.Equal(milestones, training.Milestones);
        Assert.Equal(step, training.StepEpochs);
        Assert.Equal(warmUp, training.WarmUpEpochs);
    }

    [Fact]
    public void WithEpochs_SeveralStages_ChangesTheLastAlone()
    {
        var changed = Tuning.WithEpochs(Plan(Options, Options), 60);

        Assert.Same(Options, changed.Stages[0].Training);
        Assert.Equal(20, changed.Stages[1].Training.Epochs);
        Assert.Equal([5.0, 15.0], changed.Stages[1].Training.Milestones);
        Assert.Equal(60, changed.Epochs);
    }

    [Fact]
    public void Candidates_Epochs_DecayAtTheSameFractions()
    {
        var candidates = Tuning.Candidates(new TuningSection { Epochs = [20, 40] }, Plan(Options));

        Assert.Equal([5.0, 15.0], candidates[0].Plan.Stages[0].Training.Milestones);
        Assert.Equal([10.0, 30.0], candidates[1].Plan.Stages[0].Training.Milestones);
    }

    private static ObjectivePlan Plan(params IReadOnlyList<TrainingOptions> stages) => new(
        new SchemeSpec(SchemeCatalog.Offline, new NoOptions()), [.. stages.Select((training, i) => new StagePlan($"stage{i}", ValueSchedule.Of(1), [], null, training))]);
}
