using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>projector_recipe</c>.</summary>
public sealed record ProjectorRecipeOptions
{
    /// <summary>Exponent of the differences.</summary>
    [Option("exponent of the differences: the larger, the nearer to their maximum", Min = 1)]
    public double Alpha { get; init; } = 4;

    /// <summary>How the student's embedding is brought to the teacher's width.</summary>
    [Option("conv1x1: a linear layer, as published; auto: only where the widths differ; none", OneOf = [Projectors.Conv1x1, Projectors.Auto, Projectors.None])]
    public string Projector { get; init; } = Projectors.Conv1x1;
}

/// <summary>A linear projector, normalisation over the batch and a soft maximum. Embeddings, or maps averaged over positions.</summary>
public sealed class ProjectorRecipeMethod : ProjectedFeatureMethod
{
    private readonly double _alpha;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are neither vectors nor maps, or widths that differ without a projector.</exception>
    public ProjectorRecipeMethod(ProjectorRecipeOptions options, MethodContext context)
        // No bias: the normalisation over the batch would take it away again.
        : base("projector_recipe", context, options.Projector, form: FeatureForm.Embeddings, bias: false)
    {
        _alpha = options.Alpha;
        CheckPairs((student, teacher) => CheckEmbeddings(options.Projector, student, teacher));
        Complete(context);
    }

    /// <summary>The catalog's entry. The published weight is 2 beside hard labels (1) and soft targets at T = 1 (1).</summary>
    public static MethodEntry Entry { get; } = new(
        "projector_recipe",
        "Linear projector, batch normalisation of both sides and a soft maximum of differences",
        "Miles and Mikolajczyk, Understanding the Role of the Projector in Knowledge Distillation, AAAI 2024",
        typeof(ProjectorRecipeOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.CouplesSamples,
        (options, context) => new ProjectorRecipeMethod((ProjectorRecipeOptions)options, context))
    {
        Variant = "differences of features, as the paper and the authors' ImageNet code; their code for transformers sums powers of 1 − correlation instead",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (i, own, other) => ProjectorRecipeLoss.Compute(Project(i, own), other, _alpha));
}
