namespace DistillSharp.Training;

/// <summary>The learning rate as a pure function of the step, so that a resumed run needs no state for it.</summary>
public static class LearningRateSchedule
{
    /// <summary>The rate of an optimizer step.</summary>
    /// <param name="options">Peak rate and shape.</param>
    /// <param name="step">Optimizer steps done in the stage.</param>
    /// <param name="stepsPerEpoch">Optimizer steps in an epoch.</param>
    public static double At(TrainingOptions options, long step, long stepsPerEpoch)
    {
        var total = Math.Max(1, options.Epochs * stepsPerEpoch);
        var warmUp = options.WarmUpEpochs * stepsPerEpoch;
        if (step < warmUp)
        {
            // A warm-up may end within a step.
            return options.LearningRate * Math.Min(step + 1, warmUp) / warmUp;
        }

        var epoch = (double)step / stepsPerEpoch;
        var share = Math.Clamp((step - warmUp) / Math.Max(1, total - warmUp), 0, 1);
        var range = options.LearningRate - options.FinalLearningRate;
        return options.Schedule switch
        {
            LearningRateShape.Step => options.LearningRate * Math.Pow(options.Decay, Math.Floor(epoch / options.StepEpochs)),
            LearningRateShape.Multistep => options.LearningRate * Math.Pow(options.Decay, options.Milestones.Count(milestone => epoch >= milestone)),
            LearningRateShape.Cosine => options.FinalLearningRate + (range * 0.5 * (1 + Math.Cos(Math.PI * share))),
            LearningRateShape.Linear => options.FinalLearningRate + (range * (1 - share)),
            LearningRateShape.InverseSqrt => options.LearningRate * Math.Sqrt(Math.Max(1, warmUp) / (step + 1)),
            _ => options.LearningRate,
        };
    }
}
