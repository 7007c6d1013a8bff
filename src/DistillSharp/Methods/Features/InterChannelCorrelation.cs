using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>inter_channel_correlation</c>.</summary>
public sealed record InterChannelCorrelationOptions
{
    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("conv1x1_bn: a 1 × 1 convolution with batch-norm, as published; conv1x1; auto: only where the channels differ; none", OneOf = [Projectors.Conv1x1BatchNorm, Projectors.Conv1x1, Projectors.Auto, Projectors.None])]
    public string Projector { get; init; } = Projectors.Conv1x1BatchNorm;
}

/// <summary>Inter-channel correlation: which channels of a map are active alike. Sizes may differ.</summary>
public sealed class InterChannelCorrelationMethod : ProjectedFeatureMethod
{
    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are no maps, or channels that differ without a projector.</exception>
    public InterChannelCorrelationMethod(InterChannelCorrelationOptions options, MethodContext context)
        : base("inter_channel_correlation", context, options.Projector)
    {
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        Complete(context);
    }

    /// <summary>The catalog's entry. The published weight is 2.5 for ImageNet; it depends on the batch size, by which the loss is divided once more than a mean.</summary>
    public static MethodEntry Entry { get; } = new(
        "inter_channel_correlation",
        "Inter-channel correlation: Gram matrices of the channels of a map",
        "Liu et al., Exploring Inter-Channel Correlation for Diversity-Preserved Knowledge Distillation, ICCV 2021",
        typeof(InterChannelCorrelationOptions),
        // Divided by the squared batch size: two halves of a batch do not add up to the whole.
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.CouplesSamples,
        (options, context) => new InterChannelCorrelationMethod((InterChannelCorrelationOptions)options, context))
    {
        Variant = "row-normalised Gram matrices over channels·batch², as common code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (i, own, other) => InterChannelCorrelationLoss.Compute(Project(i, own), other));
}
