using DistillSharp.Config;
using static TorchSharp.torch;

namespace DistillSharp.Teachers;

/// <summary>How the logits of several teachers become those of one.</summary>
public enum Combination
{
    /// <summary>The mean of the logits.</summary>
    MeanLogits,

    /// <summary>The mean of the softened probabilities.</summary>
    MeanProbabilities,

    /// <summary>Softened probabilities weighted a sample by how near each teacher is to the label (CA-MKD).</summary>
    ConfidenceWeighted,

    /// <summary>For every sample the logits of the teacher whose cross-entropy with the label is lowest.</summary>
    BestPerSample,
}

/// <summary>Keys of <c>teachers:</c> beside the teachers themselves.</summary>
public sealed record CombinerOptions
{
    /// <summary>How logits are combined.</summary>
    [Option("how the teachers' logits become one teacher's")]
    public Combination Combine { get; init; } = Combination.MeanLogits;

    /// <summary>Temperature of the probabilities that are averaged; a term of the same temperature sees their very mean.</summary>
    [Option("temperature at which probabilities are averaged (mean_probabilities, confidence_weighted); give the term's own", Min = 0, AboveMin = true)]
    public double Temperature { get; init; } = 4;

    /// <summary>True where combining reads hard labels.</summary>
    public bool ReadsLabels => Combine is Combination.ConfidenceWeighted or Combination.BestPerSample;

    /// <summary>The combination for data whose labels must not be looked at (validation, test): the mean of probabilities where this one reads labels.</summary>
    public CombinerOptions WithoutLabels => ReadsLabels ? this with { Combine = Combination.MeanProbabilities } : this;
}

/// <summary>
/// One signal of an ensemble's members: logits [K, N, …, C] in, logits [N, …, C] out. Means of probabilities p are given as the
/// logits T·log p, whose softmax at the temperature T is p; at another temperature it is p^(T/T′), normalised.
/// </summary>
public static class Combiner
{
    /// <summary>Combines stacked logits.</summary>
    /// <param name="logits">[K, N, …, C], one slice a member.</param>
    /// <param name="targets">Hard labels [N, …], −1 where there is none; null for unlabelled data.</param>
    /// <param name="options">Which combination, at which temperature.</param>
    public static Tensor Combine(Tensor logits, Tensor? targets, CombinerOptions options) => options.Combine switch
    {
        Combination.MeanLogits => MeanLogits(logits),
        Combination.MeanProbabilities => MeanProbabilities(logits, options.Temperature),
        Combination.ConfidenceWeighted => ConfidenceWeighted(logits, targets, options.Temperature),
        _ => BestPerSample(logits, targets, options.Temperature),
    };

    /// <summary>(1/K)·Σ z_k.</summary>
    public static Tensor MeanLogits(Tensor logits) => logits.mean([0]);

    /// <summary>T·log((1/K)·Σ softmax(z_k/T)).</summary>
    public static Tensor MeanProbabilities(Tensor logits, double temperature) =>
        ((logits / temperature).log_softmax(-1).logsumexp(0) - Math.Log(logits.shape[0])) * temperature;

    /// <summary>
    /// T·log(Σ w_k·softmax(z_k/T)) with the weights of <see cref="Confidence"/> for every sample. The cross-entropy of a student
    /// with this mixture is the weighted sum of its cross-entropies with the members (Zhang et al., Confidence-Aware Multi-Teacher
    /// Knowledge Distillation, ICASSP 2022, equation 3).
    /// </summary>
    public static Tensor ConfidenceWeighted(Tensor logits, Tensor? targets, double temperature)
    {
        var weights = Confidence(logits, targets).unsqueeze(-1);
        return ((logits / temperature).log_softmax(-1) + weights.log()).logsumexp(0) * temperature;
    }

    /// <summary>
    /// w_k = (1 − exp(L_k)/Σ_j exp(L_j))/(K − 1) for the cross-entropies L_k [K, N, …] of the members with the label (CA-MKD,
    /// equation 2); 1/K for a single member and for samples without a label.
    /// </summary>
    public static Tensor Confidence(Tensor logits, Tensor? targets)
    {
        var members = logits.shape[0];
        if (targets is null || members == 1)
        {
            return full(logits.shape[..^1], 1.0 / members, logits.dtype, logits.device);
        }

        var weights = (1 - CrossEntropies(logits, targets).softmax(0)) / (members - 1);
        return where(targets.ge(0), weights, full_like(weights, 1.0 / members));
    }

    /// <summary>
    /// The logits of the member with the lowest cross-entropy, sample by sample; of equals the first. Samples without a label get
    /// the mean of probabilities.
    /// </summary>
    public static Tensor BestPerSample(Tensor logits, Tensor? targets, double temperature)
    {
        var unlabelled = MeanProbabilities(logits, temperature);
        if (targets is null)
        {
            return unlabelled;
        }

        var best = CrossEntropies(logits, targets).argmin(0).unsqueeze(0).unsqueeze(-1);
        var chosen = logits.gather(0, best.expand([1, .. logits.shape[1..]])).squeeze(0);
        return where(targets.ge(0).unsqueeze(-1), chosen, unlabelled);
    }

    private static Tensor CrossEntropies(Tensor logits, Tensor targets)
    {
        var labels = targets.clamp(0).unsqueeze(0).unsqueeze(-1).expand([.. logits.shape[..^1], 1]);
        return -logits.log_softmax(-1).gather(-1, labels).squeeze(-1);
    }
}
