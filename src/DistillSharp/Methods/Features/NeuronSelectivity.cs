using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary><c>nst</c> has no options.</summary>
public sealed record NeuronSelectivityOptions;

/// <summary>Neuron selectivity transfer: the distribution of the student's channels, as patterns over positions, is to match the teacher's. Channels and sizes may differ.</summary>
public sealed class NeuronSelectivityMethod : FeatureMethod
{
    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">A feature is no map [N, C, H, W].</exception>
    public NeuronSelectivityMethod(MethodContext context)
        : base("nst", context) =>
        CheckPairs((student, teacher) => FeatureShapes.RequireMaps("nst", student, teacher));

    /// <summary>The catalog's entry. The published weight is 50.</summary>
    public static MethodEntry Entry { get; } = new(
        "nst",
        "Neuron selectivity: distributions of channel patterns matched by their maximum mean discrepancy",
        "Huang and Wang, Like What You Like: Knowledge Distill via Neuron Selectivity Transfer, 2017",
        typeof(NeuronSelectivityOptions),
        MethodTraits.UsesFeatures | MethodTraits.ZeroAtTeacher,
        (_, context) => new NeuronSelectivityMethod(context))
    {
        Variant = "polynomial kernel of degree 2 without constant; sizes that differ are average-pooled to the smaller, as common code (the paper interpolates)",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (_, own, other) => NeuronSelectivityLoss.Compute(own, other));
}
