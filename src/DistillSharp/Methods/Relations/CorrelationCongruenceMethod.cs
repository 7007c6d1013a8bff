using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Losses.Relations;
using DistillSharp.Methods.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Relations;

/// <summary>Options of <c>correlation_congruence</c>.</summary>
public sealed record CorrelationCongruenceOptions
{
    /// <summary>Which formula.</summary>
    [Option("code: products of neighbouring differences, as circulates; paper: difference of Gaussian kernels", OneOf = ["code", "paper"])]
    public string Variant { get; init; } = "code";

    /// <summary>Map of the student's embedding.</summary>
    [Option("linear: a layer from the student's width to the teacher's; none: widths must be equal (code) or may differ (paper)", OneOf = ["linear", "none"])]
    public string Projector { get; init; } = "linear";

    /// <summary>γ of the kernel.</summary>
    [Option("γ of the Gaussian kernel (paper)", Min = 0, AboveMin = true)]
    public double Gamma { get; init; } = 0.4;

    /// <summary>Order of the kernel's expansion.</summary>
    [Option("order of the kernel's Taylor expansion (paper)", Min = 1, Max = 20)]
    public int Order { get; init; } = 2;
}

/// <summary>Correlation congruence between the samples of a batch.</summary>
public sealed class CorrelationCongruenceMethod : FeatureMethod
{
    private readonly CorrelationCongruenceOptions _options;
    // The name is the key under which the weights are saved; an empty list saves nothing.
    private readonly ModuleList<Linear> projectors = new();

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Without a projector the widths differ.</exception>
    public CorrelationCongruenceMethod(CorrelationCongruenceOptions options, MethodContext context)
        : base("correlation_congruence", context)
    {
        _options = options;
        CheckPairs((student, teacher) =>
        {
            var (from, to) = (Width(student), Width(teacher));
            if (options.Projector == "linear")
            {
                projectors.Add(nn.Linear(from, to));
            }
            else if (options.Variant == "code" && from != to)
            {
                throw new ArgumentException($"correlation_congruence: embeddings of width {from} and {to} cannot be subtracted; `projector: linear` maps one to the other");
            }
        });
        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "correlation_congruence",
        "how the samples of a batch relate to each other is the teacher's",
        "Peng et al.: Correlation Congruence for Knowledge Distillation, ICCV 2019",
        typeof(CorrelationCongruenceOptions),
        MethodTraits.UsesFeatures | MethodTraits.CouplesSamples | MethodTraits.HasProjectors,
        (options, context) => new CorrelationCongruenceMethod((CorrelationCongruenceOptions)options, context))
    {
        Variant = "code or paper, by option; the projector is on the student's side alone, where common code trains one on each",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(student, teacher, (pair, own, other) =>
    {
        var target = other.AsTarget(own).flatten(1);
        var projected = projectors.Count > 0 ? projectors[pair].call(own.flatten(1)) : own.flatten(1);
        return (_options.Variant == "code"
            ? CorrelationCongruenceLoss.Neighbours(projected, target)
            : CorrelationCongruenceLoss.Kernel(projected, target, _options.Gamma, _options.Order)).Mean;
    });

    private static long Width(IReadOnlyList<long> shape) => shape.Skip(1).Aggregate(1L, (product, size) => product * size);
}
