using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>attention</c>.</summary>
public sealed record AttentionOptions
{
    /// <summary>Exponent of the activations.</summary>
    [Option("exponent of the activations in an attention map", Min = 0, AboveMin = true)]
    public double P { get; init; } = 2;

    /// <summary>Which formula.</summary>
    [Option("mean squared difference (code) or length of the difference (paper)", OneOf = [AttentionLoss.Code, AttentionLoss.Paper])]
    public string Variant { get; init; } = AttentionLoss.Code;
}

/// <summary>Attention transfer: the student's maps are to be active where the teacher's are. Channels and sizes may differ.</summary>
public sealed class AttentionMethod : FeatureMethod
{
    private readonly AttentionOptions _options;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">A feature is no map [N, C, H, W].</exception>
    public AttentionMethod(AttentionOptions options, MethodContext context)
        : base("attention", context)
    {
        _options = options;
        CheckPairs((student, teacher) => FeatureShapes.RequireMaps("attention", student, teacher));
    }

    /// <summary>The catalog's entry. The published weight is 1000 for the variant <c>code</c>, 0.1 for the paper's.</summary>
    public static MethodEntry Entry { get; } = new(
        "attention",
        "Attention transfer: where a map is active, summed over channels",
        "Zagoruyko and Komodakis, Paying More Attention to Attention, ICLR 2017",
        typeof(AttentionOptions),
        MethodTraits.UsesFeatures | MethodTraits.ZeroAtTeacher,
        (options, context) => new AttentionMethod((AttentionOptions)options, context))
    {
        Variant = "default: mean squared difference of normalised maps, as the authors' and common code; `variant: paper` takes the length of the difference",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (_, own, other) => AttentionLoss.Compute(own, other, _options.P, _options.Variant));
}
