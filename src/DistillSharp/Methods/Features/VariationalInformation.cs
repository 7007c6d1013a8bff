using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>vid</c>.</summary>
public sealed record VariationalInformationOptions
{
    /// <summary>Variance that training starts from.</summary>
    [Option("variance that every channel starts from", Min = 1e-3)]
    public double InitialVariance { get; init; } = 5;
}

/// <summary>
/// Variational information distillation: from the student's map, three 1 × 1 convolutions predict the mean of the teacher's; a variance per
/// channel is trained with them. The larger map is average-pooled; vectors count as maps of one pixel.
/// </summary>
public sealed class VariationalInformationMethod : FeatureMethod
{
    // Keeps variances away from 0.
    private const double Floor = 1e-5;

    private readonly ModuleList<nn.Module<Tensor, Tensor>> regressors = nn.ModuleList<nn.Module<Tensor, Tensor>>();
    private readonly ParameterList scales = new();

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">A feature is neither a map nor a vector.</exception>
    public VariationalInformationMethod(VariationalInformationOptions options, MethodContext context)
        : base("vid", context, form: FeatureForm.Maps)
    {
        CheckPairs((student, teacher) => FeatureShapes.RequireMaps("vid", student, teacher));
        for (var i = 0; i < Stages; i++)
        {
            var (inputs, outputs) = (StudentShapes[i][1], TeacherShapes[i][1]);
            regressors.Add(nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, bias: false), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 1, bias: false), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 1, bias: false)));
            // The inverse of softplus.
            scales.Add(new Parameter(full([outputs], Math.Log(Math.Exp(options.InitialVariance - Floor) - 1), ScalarType.Float32)));
        }

        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. The published weight is 1 in common code for four pairs.</summary>
    public static MethodEntry Entry { get; } = new(
        "vid",
        "Variational information: the likelihood of the teacher's map under a distribution that the student predicts",
        "Ahn et al., Variational Information Distillation for Knowledge Transfer, CVPR 2019",
        typeof(VariationalInformationOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new VariationalInformationMethod((VariationalInformationOptions)options, context));

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) => SumOverPairs(student, teacher, (i, own, other) =>
    {
        var (small, target) = FeatureTensors.PoolToSmaller(own, other);
        return VariationalInformationLoss.Compute(regressors[i].call(small), target, nn.functional.softplus(scales[i]) + Floor);
    });
}
