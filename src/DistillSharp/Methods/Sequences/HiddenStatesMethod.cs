using DistillSharp.Config;
using DistillSharp.Losses.Sequences;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>hidden_states</c>.</summary>
public sealed record HiddenStatesOptions
{
    /// <summary>How hidden states are compared.</summary>
    [Option("mse: mean squared difference (TinyBERT); cosine: 1 − cosine (DistilBERT)", OneOf = ["mse", "cosine"])]
    public string Distance { get; init; } = "mse";

    /// <summary>Map of the student's states.</summary>
    [Option("linear: a layer from the student's width to the teacher's for each pair; none: widths must be equal", OneOf = ["linear", "none"])]
    public string Projector { get; init; } = "linear";
}

/// <summary>Hidden states of paired Transformer layers.</summary>
public sealed class HiddenStatesMethod : LayerMethod
{
    private readonly bool _cosine;
    // The name is the key under which the weights are saved; an empty list saves nothing.
    private readonly ModuleList<Linear> projectors = new();

    /// <summary>Builds the projectors for probed shapes.</summary>
    /// <exception cref="ArgumentException">Features are not [N, T, D], or without projectors the widths differ.</exception>
    public HiddenStatesMethod(HiddenStatesOptions options, MethodContext context)
        : base("hidden_states", context)
    {
        _cosine = options.Distance == "cosine";
        RequireAxes(3, "hidden states [batch, positions, width]");
        CheckPairs((student, teacher) =>
        {
            if (options.Projector == "linear")
            {
                projectors.Add(nn.Linear(student[2], teacher[2], hasBias: false));
            }
            else if (student[2] != teacher[2])
            {
                throw new ArgumentException($"hidden_states: widths {student[2]} and {teacher[2]} differ; `projector: linear` maps one to the other");
            }
        });
        RegisterComponents();
        this.to(context.Device);
    }

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "hidden_states",
        "hidden states of paired layers of sequence networks are equal, or point the same way",
        "Jiao et al.: TinyBERT, EMNLP Findings 2020 (mse); Sanh et al.: DistilBERT, 2019 (cosine)",
        typeof(HiddenStatesOptions),
        MethodTraits.UsesFeatures | MethodTraits.HasProjectors | MethodTraits.Sequences,
        (options, context) => new HiddenStatesMethod((HiddenStatesOptions)options, context))
    {
        Variant = "valid positions only; the papers' code averages over padding too (mse); of networks of speech with other frame rates the finer side gives the mean of its frames",
    };

    /// <inheritdoc/>
    private protected override (Tensor Student, Tensor Teacher, Tensor? Mask) Aligned(Tensor student, Tensor teacher, Tensor? mask, Tensor? teacherMask) =>
        FrameAlignment.Average(student, teacher, mask, teacherMask);

    /// <inheritdoc/>
    private protected override Tensor Values(int pair, Tensor student, Tensor teacher, Tensor? mask)
    {
        var projected = projectors.Count > 0 ? projectors[pair].call(student) : student;
        return _cosine ? HiddenStateLoss.Cosine(projected, teacher) : HiddenStateLoss.MeanSquare(projected, teacher);
    }
}
