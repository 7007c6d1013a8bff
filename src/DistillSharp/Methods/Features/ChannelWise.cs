using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>channel_wise</c>.</summary>
public sealed record ChannelWiseOptions
{
    /// <summary>T of the softmaxes over positions.</summary>
    [Option("temperature of the softmaxes over positions", Min = 0, AboveMin = true)]
    public ValueSchedule Temperature { get; init; } = 4;

    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("auto: a 1 × 1 convolution where the channels differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>Channel-wise distillation: where in the image each channel is active, as a distribution. The larger map is average-pooled.</summary>
public sealed class ChannelWiseMethod : ProjectedFeatureMethod
{
    private readonly ValueSchedule _temperature;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are no maps, or channels that differ without a projector.</exception>
    public ChannelWiseMethod(ChannelWiseOptions options, MethodContext context)
        : base("channel_wise", context, options.Projector)
    {
        _temperature = options.Temperature;
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        Complete(context);
    }

    /// <summary>The catalog's entry. Published weights are 50 for features and 3 for maps of logits.</summary>
    public static MethodEntry Entry { get; } = new(
        "channel_wise",
        "Channel-wise divergence: each channel of a map as a distribution over positions",
        "Shu et al., Channel-wise Knowledge Distillation for Dense Prediction, ICCV 2021",
        typeof(ChannelWiseOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.ZeroAtTeacher,
        (options, context) => new ChannelWiseMethod((ChannelWiseOptions)options, context));

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(student, teacher, (i, own, other) =>
    {
        var (small, target) = FeatureTensors.PoolToSmaller(own, other);
        return ChannelWiseLoss.Compute(Project(i, small), target, _temperature.ValueAt(progress));
    });
}
