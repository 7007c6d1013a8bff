using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Features;

/// <summary>Options of <c>class_attention_transfer</c>.</summary>
public sealed record ClassAttentionTransferOptions
{
    /// <summary>Height and width of the grid that is compared.</summary>
    [Option("height and width that class activation maps are average-pooled to", Min = 1)]
    public int Resolution { get; init; } = 2;

    /// <summary>Whether maps are scaled.</summary>
    [Option("whether each class's map is scaled to length 1 before the comparison; published for transfer without hard labels")]
    public bool Normalize { get; init; }
}

/// <summary>
/// Class attention transfer: class activation maps of student and teacher, each its own classifier's weights applied at every position of the last
/// map before it. One pair of features. The teacher's classifier must be live, and so must the student's.
/// </summary>
public sealed class ClassAttentionTransferMethod : FeatureMethod
{
    private readonly ClassAttentionTransferOptions _options;

    // Functions, not modules: a module field would make the networks parts of this method.
    private readonly Func<Tensor> _studentClassifier;
    private readonly Func<Tensor> _teacherClassifier;

    /// <summary>Builds it for probed shapes.</summary>
    /// <exception cref="ArgumentException">A network is missing or has no linear classifier, or its classifier does not fit the feature.</exception>
    public ClassAttentionTransferMethod(ClassAttentionTransferOptions options, MethodContext context)
        : base("class_attention_transfer", context)
    {
        _options = options;
        CheckPairs((student, teacher) => FeatureShapes.RequireMaps("class_attention_transfer", student, teacher));
        var (student, teacher) = (ClassifierOf.Network(GetName(), "student", context.StudentNetwork), ClassifierOf.Network(GetName(), "teacher", context.TeacherNetwork));
        (_studentClassifier, _teacherClassifier) = (() => student.weight!, () => teacher.weight!);
        for (var i = 0; i < Stages; i++)
        {
            AtPair(i, () =>
            {
                ClassifierOf.RequireChannels(GetName(), "student", student, StudentShapes[i]);
                ClassifierOf.RequireChannels(GetName(), "teacher", teacher, TeacherShapes[i]);
            });
        }

        if (student.weight!.shape[0] != teacher.weight!.shape[0])
        {
            throw new ArgumentException($"class_attention_transfer: the student has {student.weight!.shape[0]} classes and the teacher {teacher.weight!.shape[0]}");
        }
    }

    /// <summary>The catalog's entry. Published weights beside hard labels are 0.7 to 15 by pair of networks on CIFAR-100 (2 × 2 grid), 0.5 on ImageNet (4 × 4).</summary>
    public static MethodEntry Entry { get; } = new(
        "class_attention_transfer",
        "Class attention: where in the image each class is seen",
        "Guo et al., Class Attention Transfer Based Knowledge Distillation, CVPR 2023",
        typeof(ClassAttentionTransferOptions),
        MethodTraits.UsesFeatures | MethodTraits.NeedsTeacherParameters,
        (options, context) => new ClassAttentionTransferMethod((ClassAttentionTransferOptions)options, context))
    {
        Variant = "maps as they are, as published beside hard labels; `normalize: true` scales each to length 1, as published for transfer alone",
    };

    /// <inheritdoc/>
    protected override Tensor Loss(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Progress progress) =>
        SumOverPairs(student, teacher, (_, own, other) => ClassActivationLoss.Compute(
            ClassActivationLoss.Maps(own, _studentClassifier()),
            ClassActivationLoss.Maps(other, _teacherClassifier().detach()),
            _options.Resolution,
            _options.Normalize));
}

/// <summary>The linear layer that makes a network's logits.</summary>
internal static class ClassifierOf
{
    /// <summary>The classifier of a live network.</summary>
    /// <exception cref="ArgumentException">There is no network, or its classifier is not one linear layer.</exception>
    public static Linear Network(string method, string side, Network? network)
    {
        if (network is null)
        {
            throw new ArgumentException($"{method}: needs the classifier of the {side}, but this {side} has no parameters; use a live network");
        }

        return network.named_modules().FirstOrDefault(module => module.name == network.ClassifierPath).module as Linear
            ?? throw new ArgumentException($"{method}: the {side} {network.GetName()} has no single linear classifier");
    }

    /// <summary>The classifier reads as many features as the map has channels.</summary>
    /// <exception cref="ArgumentException">It does not; the message has both numbers.</exception>
    public static void RequireChannels(string method, string side, Linear classifier, IReadOnlyList<long> shape)
    {
        if (classifier.weight!.shape[1] != shape[1])
        {
            throw new ArgumentException(
                $"{method}: the {side}'s feature {FeatureShapes.Text(shape)} has {shape[1]} channels and its classifier reads {classifier.weight!.shape[1]}; take the last map before the classifier");
        }
    }
}
