using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>masked_generative</c>.</summary>
public sealed record MaskedGenerativeOptions
{
    /// <summary>Share that is masked.</summary>
    [Option("share of the student's map that is set to 0 (published: 0.15 of channels for classification, 0.45 or 0.65 of positions for detection, 0.75 for segmentation)", Min = 0, Max = 1)]
    public double MaskRatio { get; init; } = 0.15;

    /// <summary>What is masked as a whole.</summary>
    [Option("what a mask covers: whole channels, or all channels of a position", OneOf = ["channels", "positions"])]
    public string Mask { get; init; } = "channels";

    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("auto: a 1 × 1 convolution where the channels differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>
/// Masked generative distillation: a part of the student's map is masked at random (with torch's generator; only while training), and two 3 × 3
/// convolutions generate the teacher's map from the rest. The larger map is average-pooled.
/// </summary>
public sealed class MaskedGenerativeMethod : ProjectedFeatureMethod
{
    private readonly MaskedGenerativeOptions _options;
    private readonly ModuleList<nn.Module<Tensor, Tensor>> generators = nn.ModuleList<nn.Module<Tensor, Tensor>>();

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are no maps, or channels that differ without a projector.</exception>
    public MaskedGenerativeMethod(MaskedGenerativeOptions options, MethodContext context)
        : base("masked_generative", context, options.Projector)
    {
        _options = options;
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        foreach (var channels in TeacherShapes.Select(shape => shape[1]))
        {
            generators.Add(nn.Sequential(nn.Conv2d(channels, channels, 3, padding: 1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding: 1)));
        }

        Complete(context);
    }

    /// <summary>The catalog's entry. The published weight is 7e-5 for classification (the loss is a sum over a map), 2e-5 for segmentation and one-stage detectors, 5e-7 for two-stage ones.</summary>
    public static MethodEntry Entry { get; } = new(
        "masked_generative",
        "Masked generation: the teacher's map is generated from a part of the student's",
        "Yang et al., Masked Generative Distillation, ECCV 2022",
        typeof(MaskedGenerativeOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new MaskedGenerativeMethod((MaskedGenerativeOptions)options, context))
    {
        Variant = "as the authors' code; the projector has no bias, and sizes that differ are average-pooled, which that code refuses",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(student, teacher, (i, own, other) =>
    {
        var (small, target) = FeatureTensors.PoolToSmaller(own, other);
        return MaskedGenerativeLoss.Compute(generators[i].call(Masked(Project(i, small))), target);
    });

    private Tensor Masked(Tensor map)
    {
        if (!training)
        {
            return map;
        }

        var shape = map.shape;
        long[] drawn = _options.Mask == "channels" ? [shape[0], shape[1], 1, 1] : [shape[0], 1, shape[2], shape[3]];
        return map * rand(drawn, device: map.device).ge(_options.MaskRatio).to_type(map.dtype);
    }
}
