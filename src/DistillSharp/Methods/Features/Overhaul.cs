using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Normal = MathNet.Numerics.Distributions.Normal;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>overhaul</c>.</summary>
public sealed record OverhaulOptions
{
    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("conv1x1_bn: a 1 × 1 convolution with batch-norm, as published; conv1x1; auto: only where the channels differ; none", OneOf = [Projectors.Conv1x1BatchNorm, Projectors.Conv1x1, Projectors.Auto, Projectors.None])]
    public string Projector { get; init; } = Projectors.Conv1x1BatchNorm;

    /// <summary>Margins by hand, one a pair or one for all; empty for those of the teacher's batch-norms.</summary>
    [Option("negative margins, one a pair of features or one for all; empty: the expectation of a negative pre-activation from the teacher's batch-norm", Max = 0)]
    public IReadOnlyList<double> Margins { get; init; } = [];

    /// <summary>Batch-norms that the margins come from; empty for those right before the feature points.</summary>
    [Option("dotted paths of the teacher's batch-norms, one a pair; empty: the last one before each feature point")]
    public IReadOnlyList<string> BatchNorms { get; init; } = [];

    /// <summary>How stages are weighted.</summary>
    [Option("halving: 1, ½, ¼ … from the last stage, as published; equal", OneOf = ["halving", "equal"])]
    public string StageWeights { get; init; } = "halving";
}

/// <summary>
/// Overhaul of feature distillation: pre-activations against the teacher's through a margin ReLU. Features are such as
/// <c>layer1.preact</c>; the larger map is average-pooled to the smaller.
/// </summary>
public sealed class OverhaulMethod : ProjectedFeatureMethod
{
    private readonly bool _halves;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that do not fit, or no batch-norm to take the margins from.</exception>
    public OverhaulMethod(OverhaulOptions options, MethodContext context)
        : base("overhaul", context, options.Projector)
    {
        _halves = options.StageWeights == "halving";
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        if (options.Margins.Count > 1 && options.Margins.Count != Stages)
        {
            throw new ArgumentException($"overhaul: {options.Margins.Count} margins for {Stages} pairs of features; give one a pair, or one for all");
        }

        if (options.BatchNorms.Count > 0 && options.BatchNorms.Count != Stages)
        {
            throw new ArgumentException($"overhaul: {options.BatchNorms.Count} batch_norms for {Stages} pairs of features; give one a pair, or none");
        }

        for (var i = 0; i < Stages; i++)
        {
            AtPair(i, () => register_buffer($"margin{i}", MarginOf(options, context, i)));
        }

        Complete(context);
    }

    /// <summary>The catalog's entry. The published weight is 1e-3 a stage of the last (CIFAR).</summary>
    public static MethodEntry Entry { get; } = new(
        "overhaul",
        "Feature overhaul: partial L2 of pre-activations through a margin ReLU",
        "Heo et al., A Comprehensive Overhaul of Feature Distillation, ICCV 2019",
        typeof(OverhaulOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.NeedsTeacherParameters,
        (options, context) => new OverhaulMethod((OverhaulOptions)options, context))
    {
        Variant = "batch mean of the sum over elements; stages halved towards the input, as the authors' code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(student, teacher, (i, own, other) =>
    {
        var (small, target) = FeatureTensors.PoolToSmaller(own, other);
        return OverhaulLoss.Compute(Project(i, small), target, get_buffer($"margin{i}")!) * (_halves ? Math.Pow(2, i - Stages + 1) : 1);
    });

    private Tensor MarginOf(OverhaulOptions options, MethodContext context, int pair)
    {
        var channels = TeacherShapes[pair][1];
        if (options.Margins.Count > 0)
        {
            return full([1, channels, 1, 1], options.Margins[options.Margins.Count == 1 ? 0 : pair], ScalarType.Float32);
        }

        if (context.TeacherNetwork is not { } teacher)
        {
            throw new ArgumentException("overhaul: margins come from the teacher's batch-norm, but this teacher has no parameters; use a live network, or give `margins`");
        }

        var norm = options.BatchNorms.Count > 0
            ? BatchNormAt(teacher, options.BatchNorms[pair])
            : BatchNormBefore(teacher, teacher.FindFeature(context.TeacherFeatures[pair]));
        if (norm is null || norm.weight!.numel() != channels)
        {
            throw new ArgumentException($"overhaul: found no batch-norm of {channels} channels right before the teacher's feature; name it by `batch_norms`, or give `margins`");
        }

        return Margins(norm.weight!.cpu().to_type(ScalarType.Float64).data<double>().ToArray(), norm.bias!.cpu().to_type(ScalarType.Float64).data<double>().ToArray());
    }

    private static BatchNorm2d? BatchNormAt(Network teacher, string path) =>
        teacher.named_modules().FirstOrDefault(module => module.name == path).module as BatchNorm2d;

    private static BatchNorm2d? BatchNormBefore(Network teacher, FeaturePoint point) => point.Side == FeatureSide.Output
        ? BatchNormAt(teacher, point.ModulePath)
        : teacher.named_modules().TakeWhile(module => module.name != point.ModulePath).Select(module => module.module).OfType<BatchNorm2d>().LastOrDefault();

    /// <summary>E[x | x &lt; 0] of x normal with mean bias and deviation |scale|; −3 deviations where x is hardly ever negative.</summary>
    internal static Tensor Margins(double[] scales, double[] biases)
    {
        var margins = scales.Zip(biases, (scale, mean) =>
        {
            var deviation = Math.Max(Math.Abs(scale), 1e-12);
            var negative = Normal.CDF(0, 1, -mean / deviation);
            return (float)(negative > 0.001 ? mean - (deviation * Normal.PDF(0, 1, mean / deviation) / negative) : -3 * deviation);
        });
        return tensor([.. margins]).view(1, -1, 1, 1);
    }
}
