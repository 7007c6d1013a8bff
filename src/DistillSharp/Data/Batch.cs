using static TorchSharp.torch;

namespace DistillSharp.Data;

/// <summary>
/// What one training step sees. Inputs are named, so that a domain may have several (an image, a source sentence, decoder
/// input); sequences carry valid lengths. A batch owns its tensors and disposes them.
/// </summary>
public sealed class Batch : IDisposable
{
    /// <summary>Name of the only input where there is one.</summary>
    public const string DefaultInput = "input";

    /// <summary>Name of what a decoder has read before each position of the targets: int64 [N, T].</summary>
    public const string DecoderInput = "decoder_input";

    /// <summary>Tensors by input name, samples on the first axis: images are float32 [N, C, H, W], vectors [N, D].</summary>
    public required IReadOnlyDictionary<string, Tensor> Inputs { get; init; }

    /// <summary>Valid lengths [N] (int64) of inputs with a time axis, by input name.</summary>
    public IReadOnlyDictionary<string, Tensor> Lengths { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>Hard labels: int64 [N] classes or [N, T] tokens; null for unlabelled data. −1 marks an unlabelled sample.</summary>
    public Tensor? Targets { get; init; }

    /// <summary>The dataset index of each sample, stable over epochs, seeds and thread counts.</summary>
    public required long[] SampleIds { get; init; }

    /// <summary>The key that reproduces each sample's augmentation; 0 where nothing was changed.</summary>
    public required ulong[] AugmentationKeys { get; init; }

    /// <summary>
    /// Other samples that the source brought along, where it was asked to (<see cref="BatchPartner"/>): row by row another sample of
    /// the same class, or the batch before. Null where there are none.
    /// </summary>
    public Batch? Partner { get; init; }

    /// <summary>The other sample that each one is mixed with (mixup, CutMix); null where none are mixed.</summary>
    public BatchMix? Mix { get; init; }

    /// <summary>Number of samples.</summary>
    public int Count => SampleIds.Length;

    /// <summary>The input called <see cref="DefaultInput"/>.</summary>
    public Tensor Input => Inputs[DefaultInput];

    /// <summary>A batch of one plain input.</summary>
    public static Batch Of(Tensor input, Tensor? targets, long[] sampleIds, ulong[]? augmentationKeys = null) => new()
    {
        Inputs = new Dictionary<string, Tensor> { [DefaultInput] = input },
        Targets = targets,
        SampleIds = sampleIds,
        AugmentationKeys = augmentationKeys ?? new ulong[sampleIds.Length],
    };

    /// <summary>The same samples on another device (tensors already there are shared).</summary>
    public Batch To(Device device) => new()
    {
        Inputs = Inputs.ToDictionary(entry => entry.Key, entry => entry.Value.to(device)),
        Lengths = Lengths.ToDictionary(entry => entry.Key, entry => entry.Value.to(device)),
        Targets = Targets?.to(device),
        SampleIds = SampleIds,
        AugmentationKeys = AugmentationKeys,
        Partner = Partner?.To(device),
        Mix = Mix?.To(device),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Inputs.Values.Concat(Lengths.Values))
        {
            tensor.Dispose();
        }

        Targets?.Dispose();
        Partner?.Dispose();
        Mix?.Targets.Dispose();
        Mix?.Shares.Dispose();
    }
}

/// <summary>What the samples of a batch are mixed with, row by row; an unmixed sample has itself as its other and the share 1.</summary>
/// <param name="SampleIds">Ids of the other samples.</param>
/// <param name="Targets">Hard labels of the other samples, int64 [N]; −1 for none.</param>
/// <param name="Shares">λ: the share of a sample's own label, float32 [N] in 0…1. The other's is 1 − λ.</param>
public sealed record BatchMix(long[] SampleIds, Tensor Targets, Tensor Shares)
{
    /// <summary>The same on another device.</summary>
    public BatchMix To(Device device) => this with { Targets = Targets.to(device), Shares = Shares.to(device) };
}
