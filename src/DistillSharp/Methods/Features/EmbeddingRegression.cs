using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>embedding_regression</c>.</summary>
public sealed record EmbeddingRegressionOptions
{
    /// <summary>Which distance.</summary>
    [Option("cosine: 1 − cosine; l2: mean squared difference", OneOf = [EmbeddingRegressionLoss.Cosine, EmbeddingRegressionLoss.L2])]
    public string Distance { get; init; } = EmbeddingRegressionLoss.Cosine;

    /// <summary>How the student's embedding is brought to the teacher's width.</summary>
    [Option("auto: a linear layer where the widths differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>The student's embedding is to equal the teacher's, in direction or altogether. Embeddings, or maps averaged over positions.</summary>
public sealed class EmbeddingRegressionMethod : ProjectedFeatureMethod
{
    private readonly string _distance;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are neither vectors nor maps, or widths that differ without a projector.</exception>
    public EmbeddingRegressionMethod(EmbeddingRegressionOptions options, MethodContext context)
        : base("embedding_regression", context, options.Projector, form: FeatureForm.Embeddings)
    {
        _distance = options.Distance;
        CheckPairs((student, teacher) => CheckEmbeddings(options.Projector, student, teacher));
        Complete(context);
    }

    /// <summary>The catalog's entry. Published weights are 1, as the only term of embedding models.</summary>
    public static MethodEntry Entry { get; } = new(
        "embedding_regression",
        "Embeddings equal the teacher's, by cosine or by mean squared difference",
        "Reimers and Gurevych, Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation, EMNLP 2020 (l2); Sanh et al., DistilBERT, 2019 (cosine)",
        typeof(EmbeddingRegressionOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.ZeroAtTeacher,
        (options, context) => new EmbeddingRegressionMethod((EmbeddingRegressionOptions)options, context));

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (i, own, other) => EmbeddingRegressionLoss.Compute(Project(i, own), other, _distance));
}
