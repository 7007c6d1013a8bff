using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Losses.Relations;
using DistillSharp.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Relations;

/// <summary>Options of <c>rkd</c>.</summary>
public sealed record RkdOptions
{
    /// <summary>Weight of pairwise distances.</summary>
    [Option("weight of the distances between two samples", Min = 0)]
    public double DistanceWeight { get; init; } = 25;

    /// <summary>Weight of angles.</summary>
    [Option("weight of the angles between three samples", Min = 0)]
    public double AngleWeight { get; init; } = 50;
}

/// <summary>Relational knowledge distillation: distances and angles between the samples of a batch.</summary>
public sealed class RkdMethod(RkdOptions options, MethodContext context) : FeatureMethod("rkd", context)
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "rkd",
        "distances and angles between the embeddings of a batch are the teacher's",
        "Park et al.: Relational Knowledge Distillation, CVPR 2019",
        typeof(RkdOptions),
        MethodTraits.UsesFeatures | MethodTraits.CouplesSamples | MethodTraits.ZeroAtTeacher,
        (options, context) => new RkdMethod((RkdOptions)options, context))
    {
        Variant = "means over all N² pairs and N³ triples, zero ones included, as common code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(
        student, teacher, (_, own, other) => RelationalLoss.Compute(own, other.AsTarget(own), options.DistanceWeight, options.AngleWeight).Mean);
}
