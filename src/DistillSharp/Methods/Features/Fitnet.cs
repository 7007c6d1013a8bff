using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses;
using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>fitnet</c>.</summary>
public sealed record FitnetOptions
{
    /// <summary>How the student's feature is brought to the teacher's shape.</summary>
    [Option(
        "regressor: a convolution to the teacher's channels and size (linear for vectors); regressor_bn_relu: the same with batch-norm and ReLU behind it, as common code; conv1x1: channels only, the larger map is pooled; none",
        OneOf = [Projectors.Regressor, Projectors.RegressorBatchNormRelu, Projectors.Conv1x1, Projectors.None])]
    public string Projector { get; init; } = Projectors.Regressor;
}

/// <summary>
/// Hint training: the student's features, mapped by a regressor, are to equal the teacher's. Maps, vectors, and sequences,
/// of which padded positions are left out. The plain regressor is a convolution alone; that of common code has batch-norm and ReLU
/// behind it, which <c>projector: regressor_bn_relu</c> has (maps and vectors).
/// </summary>
public sealed class FitnetMethod : ProjectedFeatureMethod
{
    private readonly bool _pools;
    // A function, as a network in a field would be taken for a part of the method.
    private readonly Func<Batch, Tensor?> _positions;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">The projector cannot map a student's feature to the teacher's.</exception>
    public FitnetMethod(FitnetOptions options, MethodContext context)
        : base("fitnet", context, options.Projector)
    {
        _pools = options.Projector == Projectors.Conv1x1;
        var (network, feature) = (context.StudentNetwork, context.StudentFeatures[0]);
        _positions = batch => network?.MaskOf(feature, batch);
        CheckPairs((student, teacher) => CheckPair(options.Projector, student, teacher));
        Complete(context);
    }

    /// <summary>The catalog's entry. The published weight is 100 beside hard labels in common code; the paper trains hints alone first.</summary>
    public static MethodEntry Entry { get; } = new(
        "fitnet",
        "Hints: the student's features through a regressor equal the teacher's",
        "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015",
        typeof(FitnetOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.Sequences,
        (options, context) => new FitnetMethod((FitnetOptions)options, context))
    {
        Variant = "mean of squared differences over all elements, as common code, whose regressor is `regressor_bn_relu`; the paper has half the squared norm",
    };

    /// <inheritdoc/>
    protected override bool AcceptsMasks => true;

    /// <inheritdoc/>
    /// <remarks>Valid positions of the student's first feature; samples where it has no mask, or no network is known that would say it.</remarks>
    public override double CountOf(Batch batch) => _positions(batch) is { } mask ? ValidOf(mask) : batch.Count;

    /// <inheritdoc/>
    public override LossTerm Compute(MethodInput input)
    {
        var (student, teacher) = FeaturesOf(input);
        var masks = MasksOf(input);
        var loss = SumOverPairs(student, teacher, (i, own, other) => Stage(i, own, other, masks[i]));
        var count = masks[0] is { } mask ? ValidOf(mask) : student[0].shape[0];
        return new LossTerm(loss * count, count);
    }

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (i, own, other) => Stage(i, own, other, null));

    private Tensor Stage(int pair, Tensor student, Tensor teacher, Tensor? mask)
    {
        if (_pools && student.dim() == 4)
        {
            (student, teacher) = FeatureTensors.PoolToSmaller(student, teacher);
        }

        return FitnetLoss.Compute(Project(pair, student), teacher, mask);
    }

    private static double ValidOf(Tensor mask)
    {
        using var valid = mask.ne(0);
        using var count = valid.sum();
        return count.item<long>();
    }

    private static void CheckPair(string projector, IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (projector == Projectors.None)
        {
            FeatureShapes.RequireEqual("fitnet", student, teacher);
        }
        else if (student.Count == 3)
        {
            FeatureShapes.Require(student[1] == teacher[1], "fitnet", student, teacher, "the numbers of positions must be equal");
        }
    }
}
