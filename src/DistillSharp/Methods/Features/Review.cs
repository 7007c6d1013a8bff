using DistillSharp.Config;
using DistillSharp.Losses.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>review</c>.</summary>
public sealed record ReviewOptions
{
    /// <summary>Whether deeper features are fused into shallower ones.</summary>
    [Option("attention: deeper student features are fused into shallower ones by learned attention; none: stages are compared as they are", OneOf = ["attention", Projectors.None])]
    public string Fusion { get; init; } = "attention";
}

/// <summary>
/// Knowledge review: each of the teacher's stages teaches the student's stages up to its own depth. Features go from the input to the output
/// of the networks; vectors [N, D] count as maps of 1 × 1. With fusion, channels and sizes may differ.
/// </summary>
public sealed class ReviewMethod : FeatureMethod
{
    // Deepest first, the order in which they work.
    private readonly ModuleList<AttentionFusion> fusions = nn.ModuleList<AttentionFusion>();

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features that are neither maps nor vectors, or that differ in shape without fusion.</exception>
    public ReviewMethod(ReviewOptions options, MethodContext context)
        : base("review", context, form: FeatureForm.Maps)
    {
        var fuses = options.Fusion != Projectors.None;
        CheckPairs((student, teacher) => Check(student, teacher, fuses));
        // The published width.
        var middle = Math.Min(512, StudentShapes[^1][1]);
        for (var i = Stages - 1; i >= 0 && fuses; i--)
        {
            fusions.Add(new AttentionFusion(StudentShapes[i][1], middle, TeacherShapes[i][1], i < Stages - 1));
        }

        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry. Published weights are 0.6 to 8 (CIFAR-100), raised from 0 over the first 20 epochs.</summary>
    public static MethodEntry Entry { get; } = new(
        "review",
        "Knowledge review: fused student stages match the teacher's on several grids",
        "Chen et al., Distilling Knowledge via Knowledge Review, CVPR 2021",
        typeof(ReviewOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors,
        (options, context) => new ReviewMethod((ReviewOptions)options, context))
    {
        Variant = "hierarchical context loss with grids 4, 2, 1 and weights halved in the order used, as the authors' code",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(fusions.Count > 0 ? Fuse(student, teacher) : student, teacher, (_, own, other) => HierarchicalContextLoss.Compute(own, other));

    private Tensor[] Fuse(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher)
    {
        var outputs = new Tensor[student.Count];
        Tensor? carried = null;
        for (var i = student.Count - 1; i >= 0; i--)
        {
            (outputs[i], carried) = fusions[student.Count - 1 - i].Fuse(student[i], carried, teacher[i].shape[2], teacher[i].shape[3]);
        }

        return outputs;
    }

    private static void Check(IReadOnlyList<long> student, IReadOnlyList<long> teacher, bool fuses)
    {
        if (fuses)
        {
            FeatureShapes.RequireMaps("review", student, teacher);
        }
        else
        {
            FeatureShapes.RequireEqualMaps("review", student, teacher);
        }
    }
}
