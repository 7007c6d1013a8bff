using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Recipes;

/// <summary>Where the data comes from and how it is split and augmented: keys of <c>data:</c> beside the dataset's own.</summary>
public sealed record DataSection : ICheckedOptions
{
    /// <summary>Share of the training data held out for validation.</summary>
    [Option("share of the training data held out for validation", Min = 0.001, Max = 0.9)]
    public double Validation { get; init; } = 0.1;

    /// <summary>Seed of the validation split and of the training subset, the same for all arms and seeds.</summary>
    [Option("seed of the splits, the same for all arms and seeds")]
    public int SplitSeed { get; init; }

    /// <summary>Use only so many labelled training samples (stratified); null for all.</summary>
    [Option("use only so many labelled training samples; all by default", Min = 1)]
    public int? TrainSamples { get; init; }

    /// <summary>Names of classes of which students see no training sample.</summary>
    [Option("names of classes whose training samples students never see; a teacher with `all_samples` does")]
    public IReadOnlyList<string> LeaveOut { get; init; } = [];

    /// <summary>Samples without labels.</summary>
    [Option("training samples without labels, for terms that need none: `rest` (those that train_samples leaves over), or a map with one of `npy`, `idx`, `csv` (a file) and `dataset` (its training samples)")]
    public ConfigNode? Unlabelled { get; init; }

    /// <summary>Subtract the training split's mean and divide by its deviation, a channel.</summary>
    [Option("subtract the training split's mean and divide by its standard deviation, a channel")]
    public bool Normalise { get; init; } = true;

    /// <summary>Given means in place of the training split's, one a channel, in the scale that pixels have as 0…1.</summary>
    [Option("mean of each channel, pixels counted 0 to 1, in place of the training split's: what a teacher trained elsewhere was given")]
    public IReadOnlyList<double> Mean { get; init; } = [];

    /// <summary>Given standard deviations, one a channel.</summary>
    [Option("standard deviation of each channel, beside mean", Min = 0, AboveMin = true)]
    public IReadOnlyList<double> StandardDeviation { get; init; } = [];

    /// <summary>Random changes of the training images.</summary>
    [Option("random changes of the training images, the same for teacher and student")]
    public AugmentOptions Augment { get; init; } = new();

    /// <summary>Threads that decode and change samples.</summary>
    [Option("threads that decode and change the samples of a batch; 0 for one a processor where images are files or are changed at length, else one; batches are the same for any number", Min = 0, Max = 256)]
    public int Workers { get; init; }

    /// <summary>The given mean and deviation; null where they are the training split's.</summary>
    internal Normalisation? Given => Mean.Count == 0 ? null : new Normalisation([.. Mean.Select(value => (float)value)], [.. StandardDeviation.Select(value => (float)value)]);

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        // A list with a fault of its own was reported and reads as empty.
        var faulty = (Mean.Count == 0 && node.Get("mean")?.Items is { Count: > 0 }) || (StandardDeviation.Count == 0 && node.Get("standard_deviation")?.Items is { Count: > 0 });
        if (Mean.Count != StandardDeviation.Count && !faulty)
        {
            errors.Add(node.PathOf("standard_deviation"), $"must have as many values as mean, one a channel: mean has {Mean.Count}, standard_deviation {StandardDeviation.Count}", node.Line);
        }
        else if (Mean.Count > 0 && !Normalise)
        {
            errors.Add(node.PathOf("normalise"), "must be true where mean and standard_deviation are given", node.Line);
        }
    }
}
