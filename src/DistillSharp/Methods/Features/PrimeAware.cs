using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>prime_aware</c>.</summary>
public sealed record PrimeAwareOptions
{
    /// <summary>What has a variance of its own.</summary>
    [Option("dimension: a variance for every dimension of a sample's embedding, by a linear layer and batch-norm, as the authors' code; sample: one for all of them, by a linear layer", OneOf = ["dimension", "sample"])]
    public string Variance { get; init; } = "dimension";

    /// <summary>How the student's embedding is brought to the teacher's width.</summary>
    [Option("auto: a linear layer where the widths differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>
/// Prime-aware distillation: embeddings are regressed, with variances that are predicted from the student's projected embedding.
/// Embeddings, or maps averaged over positions.
/// </summary>
public sealed class PrimeAwareMethod : ProjectedFeatureMethod
{
    private readonly ModuleList<nn.Module<Tensor, Tensor>> variances = nn.ModuleList<nn.Module<Tensor, Tensor>>();

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are neither vectors nor maps, or widths that differ without a projector.</exception>
    public PrimeAwareMethod(PrimeAwareOptions options, MethodContext context)
        : base("prime_aware", context, options.Projector, form: FeatureForm.Embeddings)
    {
        CheckPairs((student, teacher) => CheckEmbeddings(options.Projector, student, teacher));
        foreach (var width in TeacherShapes.Select(shape => shape[1]))
        {
            variances.Add(options.Variance == "sample" ? FromOne(width) : nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width)));
        }

        Complete(context);
    }

    /// <summary>The catalog's entry. The published weight is 1 beside hard labels, after a stage of plain regression (<c>embedding_regression</c>, l2).</summary>
    public static MethodEntry Entry { get; } = new(
        "prime_aware",
        "Regression of embeddings, weighted by how certain the student is",
        "Zhang et al., Prime-Aware Adaptive Distillation, ECCV 2020",
        typeof(PrimeAwareOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new PrimeAwareMethod((PrimeAwareOptions)options, context))
    {
        Variant = "by option: a variance for every dimension (the authors' code) or one a sample; the mean over dimensions, as that code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (i, own, other) =>
        {
            var projected = Project(i, own);
            return PrimeAwareLoss.Compute(projected, other, variances[i].call(projected));
        });

    // A variance of 1 at the start.
    private static Linear FromOne(long width)
    {
        var layer = nn.Linear(width, 1);
        nn.init.zeros_(layer.weight);
        nn.init.zeros_(layer.bias);
        return layer;
    }
}
