using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Losses.Relations;
using DistillSharp.Methods.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Relations;

/// <summary>Options of <c>pkt</c>: none.</summary>
public sealed record PktOptions;

/// <summary>Probabilistic knowledge transfer: which samples of a batch are near each other.</summary>
public sealed class PktMethod(MethodContext context) : FeatureMethod("pkt", context)
{
    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "pkt",
        "the distribution of cosine similarities between the samples of a batch is the teacher's",
        "Passalis, Tefas: Learning Deep Representations with Probabilistic Knowledge Transfer, ECCV 2018",
        typeof(PktOptions),
        MethodTraits.UsesFeatures | MethodTraits.CouplesSamples | MethodTraits.ZeroAtTeacher,
        (_, context) => new PktMethod(context))
    {
        Variant = "mean over all N² pairs, as the paper's code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (_, own, other) => ProbabilisticTransferLoss.Compute(own, other.AsTarget(own)).Mean);
}
