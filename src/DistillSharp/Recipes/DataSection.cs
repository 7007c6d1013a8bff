using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Recipes;

/// <summary>Where the data comes from and how it is split and augmented: keys of <c>data:</c> beside the dataset's own.</summary>
public sealed record DataSection
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

    /// <summary>Subtract the training split's mean and divide by its deviation, a channel.</summary>
    [Option("subtract the training split's mean and divide by its standard deviation, a channel")]
    public bool Normalise { get; init; } = true;

    /// <summary>Random changes of the training images.</summary>
    [Option("random changes of the training images, the same for teacher and student")]
    public AugmentOptions Augment { get; init; } = new();
}
