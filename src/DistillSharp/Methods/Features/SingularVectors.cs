using DistillSharp.Config;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>kdsvd</c>.</summary>
public sealed record SingularVectorsOptions
{
    /// <summary>Singular vectors per map.</summary>
    [Option("singular vectors per map", Min = 1)]
    public int Components { get; init; } = 1;

    /// <summary>How the student's channels are brought to the teacher's.</summary>
    [Option("auto: a 1 × 1 convolution where the channels differ; conv1x1: always; none", OneOf = [Projectors.Auto, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Auto;
}

/// <summary>Leading singular vectors of maps, and how those of one stage relate to the next's. Two pairs of features at least; sizes may differ.</summary>
public sealed class SingularVectorsMethod : ProjectedFeatureMethod
{
    private readonly int _components;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Fewer than two pairs, features that are no maps, or more components than a map has.</exception>
    public SingularVectorsMethod(SingularVectorsOptions options, MethodContext context)
        : base("kdsvd", context, options.Projector, minimumStages: 2)
    {
        _components = options.Components;
        CheckPairs((student, teacher) => CheckChannels(options.Projector, student, teacher));
        CheckPairs((student, teacher) => SingularVectorLoss.Check([student[0], teacher[1], student[2], student[3]], teacher, options.Components));
        Complete(context);
    }

    /// <summary>The catalog's entry. Common code has weight 1.</summary>
    public static MethodEntry Entry { get; } = new(
        "kdsvd",
        "Singular vectors of feature maps, and their relation from stage to stage",
        "Lee, Kim and Song, Self-supervised Knowledge Distillation Using Singular Value Decomposition, ECCV 2018",
        typeof(SingularVectorsOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.ZeroAtTeacher,
        (options, context) => new SingularVectorsMethod((SingularVectorsOptions)options, context))
    {
        Variant = "a teacher's singular vector has its largest component positive, the student's the sign that makes their cosine positive; width of the radial basis functions as common code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SingularVectorLoss.Compute(Project(student), teacher, _components);
}
