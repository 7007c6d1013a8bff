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
/// Projector and classifier are part of the network that is deployed (<see cref="DeployedLogits"/>). One pair of features: the last maps (the larger is
/// average-pooled) or the vectors that classifiers read.
/// </summary>
public sealed class SimkdMethod : FeatureMethod
{
    private readonly Sequential projector;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Not one pair, no live teacher, or a classifier that does not fit its feature.</exception>
    public SimkdMethod(SimkdOptions options, MethodContext context)
        : base("simkd", context, form: FeatureForm.Maps)
    {
        if (Stages != 1)
        {
            throw new ArgumentException($"simkd: {Stages} pairs of features given; it takes one, the last before the classifiers");
        }

        CheckPairs((student, teacher) => FeatureShapes.RequireMaps("simkd", student, teacher));
        var classifier = ClassifierOf.Network("simkd", "teacher", context.TeacherNetwork);
        AtPair(0, () => ClassifierOf.RequireChannels("simkd", "teacher", classifier, TeacherShapes[0]));
        var (inputs, outputs) = (StudentShapes[0][1], TeacherShapes[0][1]);
        var middle = Math.Max(1, outputs / options.Reduction);
        projector = nn.Sequential(
            nn.Conv2d(inputs, middle, 1, bias: false), nn.BatchNorm2d(middle), nn.ReLU(),
            nn.Conv2d(middle, middle, 3, padding: 1, bias: false), nn.BatchNorm2d(middle), nn.ReLU(),
            nn.Conv2d(middle, outputs, 1, bias: false), nn.BatchNorm2d(outputs), nn.ReLU());
        RegisterComponents();
        // Copies: the teacher's own tensors stay the teacher's.
        register_buffer("classifier_weight", classifier.weight!.detach().clone());
        register_buffer("classifier_bias", classifier.bias is { } bias ? bias.detach().clone() : zeros(classifier.weight!.shape[0]));
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. Published: weight 1, without hard labels.</summary>
    public static MethodEntry Entry { get; } = new(
        "simkd",
        "The teacher's classifier reused on the student's projected last feature",
        "Chen et al., Knowledge Distillation with the Reused Teacher Classifier, CVPR 2022",
        typeof(SimkdOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.NeedsTeacherParameters,
        (options, context) => new SimkdMethod((SimkdOptions)options, context));

    /// <summary>Logits [N, K] of the deployed network from the student's last feature: projected, averaged over positions, classified.</summary>
    public Tensor DeployedLogits(Tensor studentFeature)
    {
        var map = studentFeature.dim() == 2 ? studentFeature.unsqueeze(2).unsqueeze(3) : studentFeature;
        var (height, width) = (Math.Min(map.shape[2], TeacherShapes[0][2]), Math.Min(map.shape[3], TeacherShapes[0][3]));
        var projected = projector.call(FeatureTensors.PoolTo(map, height, width)).mean([2, 3]);
        return nn.functional.linear(projected, get_buffer("classifier_weight")!, get_buffer("classifier_bias")!);
    }

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress)
    {
        var (own, target) = FeatureTensors.PoolToSmaller(student[0], teacher[0]);
        // The formula is that of hints: the mean squared difference of features.
        return FitnetLoss.Compute(projector.call(own), target);
    }
}
