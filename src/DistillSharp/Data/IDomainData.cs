namespace DistillSharp.Data;

/// <summary>Samples that are no table of tensors and classes, such as pairs of sentences: the domain that they belong to makes batches of them.</summary>
public interface IDomainData
{
    /// <summary>Name of the dataset.</summary>
    string Name { get; }
}

/// <summary>How a domain's data is to be divided.</summary>
/// <param name="Validation">Share held out for validation.</param>
/// <param name="Seed">Seed of the splits.</param>
/// <param name="TrainSamples">Most training samples; null for all.</param>
public sealed record SplitRequest(double Validation, int Seed, int? TrainSamples);
