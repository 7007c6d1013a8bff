using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>prime_aware</c>.</summary>
public sealed record PrimeAwareOptions
{
    /// <summary>How the student's embedding is brought to the teacher's width.</summary>
    [Option("auto: a linear layer where the widths differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>
/// Prime-aware distillation: embeddings are regressed, each sample by a variance that a linear layer predicts from the student's embedding (from 1
/// at the start). Embeddings, or maps averaged over positions.
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
        foreach (var shape in StudentShapes)
        {
            var layer = nn.Linear(shape[1], 1);
            nn.init.zeros_(layer.weight);
            nn.init.zeros_(layer.bias);
            variances.Add(layer);
        }

        Complete(context);
    }

    /// <summary>The catalog's entry. The weight is that of the regression it refines, 1 in the paper's notation.</summary>
    public static MethodEntry Entry { get; } = new(
        "prime_aware",
        "Regression of embeddings, weighted by how certain the student is about each sample",
        "Zhang et al., Prime-Aware Adaptive Distillation, ECCV 2020",
        typeof(PrimeAwareOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new PrimeAwareMethod((PrimeAwareOptions)options, context))
    {
        Variant = "one variance per sample, of the mean squared difference of its embeddings",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (i, own, other) => PrimeAwareLoss.Compute(Project(i, own), other, variances[i].call(own).flatten()));
}
