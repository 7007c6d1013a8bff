using System.Globalization;
using DistillSharp.Training;

namespace DistillSharp.Recipes;

/// <summary>One point of the grid that every arm tries.</summary>
/// <param name="LearningRate">Learning rate; null keeps the arm's own.</param>
/// <param name="Epochs">Epochs; null keeps the arm's own.</param>
public sealed record TuningPoint(double? LearningRate, int? Epochs)
{
    /// <summary>The point as recipe keys.</summary>
    public Dictionary<string, string> Settings
    {
        get
        {
            var settings = new Dictionary<string, string>();
            if (LearningRate is { } rate)
            {
                settings["learning_rate"] = rate.ToString(CultureInfo.InvariantCulture);
            }

            if (Epochs is { } epochs)
            {
                settings["epochs"] = epochs.ToString(CultureInfo.InvariantCulture);
            }

            return settings;
        }
    }

    /// <summary>
    /// The plan with this point's settings. The learning rate is that of every stage; epochs change the last stage, so that
    /// the total is the point's.
    /// </summary>
    public ObjectivePlan Apply(ObjectivePlan plan)
    {
        var stages = plan.Stages.Select(stage => LearningRate is { } rate ? stage with { Training = stage.Training with { LearningRate = rate } } : stage).ToList();
        if (Epochs is { } epochs)
        {
            var last = stages[^1];
            var earlier = stages.Take(stages.Count - 1).Sum(stage => stage.Training.Epochs);
            stages[^1] = last with { Training = last.Training with { Epochs = Math.Max(1, epochs - earlier) } };
        }

        return plan with { Stages = stages };
    }

    /// <summary>Every combination of a tuning section.</summary>
    public static IReadOnlyList<TuningPoint> Grid(TuningSection section)
    {
        var rates = section.LearningRate.Count == 0 ? [null] : section.LearningRate.Select(rate => (double?)rate);
        var epochs = section.Epochs.Count == 0 ? [null] : section.Epochs.Select(count => (int?)count);
        return [.. rates.SelectMany(rate => epochs.Select(count => new TuningPoint(rate, count)))];
    }
}
