using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>simkd</c>.</summary>
public sealed record SimkdOptions
{
    /// <summary>How narrow the projector's middle is.</summary>
    [Option("how many times narrower than the teacher's feature the projector's middle is", Min = 1)]
    public int Reduction { get; init; } = 2;
}

/// <summary>
/// The teacher's classifier, reused: a projector maps the student's last feature to the teacher's, on which the teacher's classifier works.
/// The network that is deployed is the student up to that feature, the projector and a copy of the classifier. One pair of features: the last
/// maps (the larger is average-pooled), or vectors, for which the projector is of linear layers.
/// </summary>
public sealed class SimkdMethod : FeatureMethod, IDeployedMethod
{
    private readonly SimkdOptions _options;
    private readonly bool _vectors;
    private readonly Device _device;
    private readonly Sequential projector;
    private readonly Linear classifier;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Not one pair, no live teacher, or a classifier that does not fit its feature.</exception>
    public SimkdMethod(SimkdOptions options, MethodContext context)
        : base("simkd", context, form: FormOf(context))
    {
        if (Stages != 1)
        {
            throw new ArgumentException($"simkd: {Stages} pairs of features given; it takes one, the last before the classifiers");
        }

        (_options, _device, _vectors) = (options, context.Device, StudentShapes[0].Count == 2);
        CheckPairs((student, teacher) => FeatureShapes.Require(
            student.Count == teacher.Count && student.Count is 2 or 4, "simkd", student, teacher, "both must be maps [batch, channels, height, width] or vectors [batch, features]"));
        var original = ClassifierOf.Network("simkd", "teacher", context.TeacherNetwork);
        AtPair(0, () => ClassifierOf.RequireChannels("simkd", "teacher", original, TeacherShapes[0]));
        DeployedFeature = context.StudentFeatures[0];
        projector = CreateProjector();
        // A copy: the teacher's own tensors stay the teacher's.
        classifier = CopyOf(original);
        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. Published: weight 1, without hard labels.</summary>
    public static MethodEntry Entry { get; } = new(
        "simkd",
        "The teacher's classifier reused on the student's projected last feature",
        "Chen et al., Knowledge Distillation with the Reused Teacher Classifier, CVPR 2022",
        typeof(SimkdOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.NeedsTeacherParameters | MethodTraits.Deploys,
        (options, context) => new SimkdMethod((SimkdOptions)options, context));

    /// <inheritdoc/>
    public string DeployedFeature { get; }

    /// <inheritdoc/>
    public Sequential DeployedLayers(bool copy)
    {
        var (own, last) = (projector, classifier);
        if (copy)
        {
            (own, last) = (CreateProjector(), CopyOf(classifier));
            own.load_state_dict(projector.state_dict());
            own.to(_device);
            last.to(_device);
        }

        return _vectors
            ? nn.Sequential(("projector", own), ("classifier", last))
            : nn.Sequential(("pool", Pool()), ("projector", own), ("average", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("classifier", last));
    }

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress)
    {
        var (own, target) = _vectors ? (student[0], teacher[0]) : FeatureTensors.PoolToSmaller(student[0], teacher[0]);
        // The formula is that of hints: the mean squared difference of features.
        return FitnetLoss.Compute(projector.call(own), target);
    }

    // A vector on either side makes vectors of both.
    private static FeatureForm FormOf(MethodContext context) =>
        context.StudentFeatures.Any(feature => context.StudentShapes.Features[feature].Count == 2) || context.TeacherFeatures.Any(feature => context.TeacherShapes.Features[feature].Count == 2)
            ? FeatureForm.Embeddings
            : FeatureForm.AsIs;

    private Sequential CreateProjector()
    {
        var (inputs, outputs) = (StudentShapes[0][1], TeacherShapes[0][1]);
        var middle = Math.Max(1, outputs / _options.Reduction);
        return _vectors
            ? nn.Sequential(
                nn.Linear(inputs, middle, hasBias: false), nn.BatchNorm1d(middle), nn.ReLU(),
                nn.Linear(middle, middle, hasBias: false), nn.BatchNorm1d(middle), nn.ReLU(),
                nn.Linear(middle, outputs, hasBias: false), nn.BatchNorm1d(outputs), nn.ReLU())
            : nn.Sequential(
                nn.Conv2d(inputs, middle, 1, bias: false), nn.BatchNorm2d(middle), nn.ReLU(),
                nn.Conv2d(middle, middle, 3, padding: 1, bias: false), nn.BatchNorm2d(middle), nn.ReLU(),
                nn.Conv2d(middle, outputs, 1, bias: false), nn.BatchNorm2d(outputs), nn.ReLU());
    }

    // What brings the student's map to the smaller of both sizes; whole windows are one operation of an exported network.
    private nn.Module<Tensor, Tensor> Pool()
    {
        var (student, teacher) = (StudentShapes[0], TeacherShapes[0]);
        var (height, width) = (Math.Min(student[2], teacher[2]), Math.Min(student[3], teacher[3]));
        return height == student[2] && width == student[3] ? nn.Identity()
            : student[2] % height == 0 && student[3] % width == 0 ? nn.AvgPool2d([student[2] / height, student[3] / width])
            : nn.AdaptiveAvgPool2d([height, width]);
    }

    private static Linear CopyOf(Linear original)
    {
        var copy = nn.Linear(original.weight!.shape[1], original.weight!.shape[0], hasBias: original.bias is not null);
        using var noGradient = no_grad();
        copy.weight!.copy_(original.weight!);
        copy.bias?.copy_(original.bias!);
        foreach (var parameter in copy.parameters())
        {
            parameter.requires_grad = false;
        }

        return copy;
    }
}
