using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary><c>similarity</c> has no options.</summary>
public sealed record SimilarityOptions;

/// <summary>Similarity-preserving distillation: samples that look alike to the teacher are to look alike to the student. Features of any shapes.</summary>
public sealed class SimilarityMethod : FeatureMethod
{
    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">A feature has no axis beside the batch.</exception>
    public SimilarityMethod(MethodContext context)
        : base("similarity", context) =>
        CheckPairs((student, teacher) => FeatureShapes.RequireBatch("similarity", student, teacher));

    /// <summary>The catalog's entry. The published weight is 3000.</summary>
    public static MethodEntry Entry { get; } = new(
        "similarity",
        "Similarity-preserving: which samples of a batch activate a network alike",
        "Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019",
        typeof(SimilarityOptions),
        MethodTraits.UsesFeatures | MethodTraits.CouplesSamples | MethodTraits.ZeroAtTeacher,
        (_, context) => new SimilarityMethod(context));

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (_, own, other) => SimilarityLoss.Compute(own, other));
}
