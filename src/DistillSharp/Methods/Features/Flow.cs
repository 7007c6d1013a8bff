using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>fsp</c>.</summary>
public sealed record FlowOptions
{
    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("auto: a 1 × 1 convolution where the channels differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>Flow of the solution procedure: how channels of one stage relate to those of the next. Two pairs of features at least; sizes may differ.</summary>
public sealed class FlowMethod : ProjectedFeatureMethod
{
    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Fewer than two pairs, features that are no maps, or channels that differ without a projector.</exception>
    public FlowMethod(FlowOptions options, MethodContext context)
        : base("fsp", context, options.Projector, minimumStages: 2)
    {
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        Complete(context);
    }

    /// <summary>The catalog's entry. The published training has two stages; common code adds it with weight 1 to 50.</summary>
    public static MethodEntry Entry { get; } = new(
        "fsp",
        "Flow between stages: Gram matrices of neighbouring feature maps",
        "Yim et al., A Gift from Knowledge Distillation, CVPR 2017",
        typeof(FlowOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.ZeroAtTeacher,
        (options, context) => new FlowMethod((FlowOptions)options, context))
    {
        Variant = "the larger of two neighbouring maps is average-pooled, as common code; the paper pools by maximum and has no projector",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        FlowLoss.Compute(Project(student), teacher);
}
