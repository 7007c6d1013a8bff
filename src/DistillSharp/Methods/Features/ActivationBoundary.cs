using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>activation_boundary</c>.</summary>
public sealed record ActivationBoundaryOptions
{
    /// <summary>How far beyond zero a neuron must be.</summary>
    [Option("how far on its side of zero a student's neuron is to be", Min = 0, AboveMin = true)]
    public double Margin { get; init; } = 1;

    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("conv1x1_bn: a 1 × 1 convolution with batch-norm, as published; conv1x1; auto: only where the channels differ; none", OneOf = [Projectors.Conv1x1BatchNorm, Projectors.Conv1x1, Projectors.Auto, Projectors.None])]
    public string Projector { get; init; } = Projectors.Conv1x1BatchNorm;
}

/// <summary>Activation boundaries: which of the teacher's neurons fire. Features are pre-activations, such as <c>layer1.preact</c>; the larger map is average-pooled to the smaller.</summary>
public sealed class ActivationBoundaryMethod : ProjectedFeatureMethod
{
    private readonly double _margin;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are no maps, or channels that differ without a projector.</exception>
    public ActivationBoundaryMethod(ActivationBoundaryOptions options, MethodContext context)
        : base("activation_boundary", context, options.Projector)
    {
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        _margin = options.Margin;
        Complete(context);
    }

    /// <summary>The catalog's entry. In the paper it is the only term of a first stage; common code gives it weight 1 there.</summary>
    public static MethodEntry Entry { get; } = new(
        "activation_boundary",
        "Activation boundaries: the sign of the teacher's pre-activations, with a margin",
        "Heo et al., Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons, AAAI 2019",
        typeof(ActivationBoundaryOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new ActivationBoundaryMethod((ActivationBoundaryOptions)options, context))
    {
        Variant = "stage weights 1, ½, ¼ … from the last and the factor 3/1000 of common code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress)
    {
        var pooled = student.Zip(teacher, FeatureTensors.PoolToSmaller).ToList();
        return ActivationBoundaryLoss.Compute(Project([.. pooled.Select(pair => pair.Student)]), [.. pooled.Select(pair => pair.Teacher)], _margin);
    }
}
