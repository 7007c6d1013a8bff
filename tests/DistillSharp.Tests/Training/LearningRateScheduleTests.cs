using DistillSharp.Training;

namespace DistillSharp.Tests.Training;

public class LearningRateScheduleTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 10, LearningRate = 0.4 };

    public static TheoryData<LearningRateShape, double[]> WithoutWarmUp => new()
    {
        // Steps 0, 5, 10 and 19 of 20.
        { LearningRateShape.Constant, [0.4, 0.4, 0.4, 0.4] },
        { LearningRateShape.Linear, [0.4, 0.31, 0.22, 0.058] },
        // 0.04 + 0.36 · (1 + cos(π·s)) / 2 at s = 0, 1/4, 1/2, 19/20.
        { LearningRateShape.Cosine, [0.4, 0.3472792206135786, 0.22, 0.04221609871074472] },
        { LearningRateShape.Step, [0.4, 0.4, 0.2, 0.05] },
        { LearningRateShape.Multistep, [0.4, 0.2, 0.2, 0.1] },
    };

    [Theory]
    [MemberData(nameof(WithoutWarmUp))]
    public void At_EachShape_HandComputedRates(LearningRateShape shape, double[] expected)
    {
        var options = Options with { Schedule = shape, FinalLearningRate = 0.04, Decay = 0.5, StepEpochs = 3, Milestones = [2.5, 9.5] };
        long[] steps = [0, 5, 10, 19];
        for (var i = 0; i < steps.Length; i++)
        {
            Assert.Equal(expected[i], LearningRateSchedule.At(options, steps[i], stepsPerEpoch: 2), 1e-9);
        }
    }

    [Fact]
    public void At_WarmUp_RisesToThePeakAndDecaysOverTheRest()
    {
        var options = Options with { Schedule = LearningRateShape.Linear, WarmUpEpochs = 2 };

        // Four steps an epoch: eight steps up, then a line to 0 over the other 32.
        Assert.Equal(0.05, LearningRateSchedule.At(options, 0, 4), 1e-12);
        Assert.Equal(0.4, LearningRateSchedule.At(options, 7, 4), 1e-12);
        Assert.Equal(0.4, LearningRateSchedule.At(options, 8, 4), 1e-12);
        Assert.Equal(0.2, LearningRateSchedule.At(options, 24, 4), 1e-12);
        Assert.Equal(0.0125, LearningRateSchedule.At(options, 39, 4), 1e-12);
    }

    [Fact]
    public void At_WarmUpThatEndsWithinAStep_StaysBelowThePeak()
    {
        var options = Options with { Schedule = LearningRateShape.Constant, WarmUpEpochs = 0.3 };

        // 2.1 steps: the third would be at 3/2.1 of the peak.
        Assert.Equal(0.4 / 2.1, LearningRateSchedule.At(options, 0, 7), 1e-12);
        Assert.Equal(0.8 / 2.1, LearningRateSchedule.At(options, 1, 7), 1e-12);
        Assert.All([2, 3, 60], step => Assert.Equal(0.4, LearningRateSchedule.At(options, step, 7), 1e-12));
    }

    [Fact]
    public void At_WarmUpOverTheWholeStage_StaysFinite()
    {
        var options = Options with { Schedule = LearningRateShape.Cosine, WarmUpEpochs = 10 };
        Assert.All(Enumerable.Range(0, 20), step => Assert.Equal(0.4 * (step + 1) / 20, LearningRateSchedule.At(options, step, 2), 1e-12));
    }
}
