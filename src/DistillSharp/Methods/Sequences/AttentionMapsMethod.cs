using DistillSharp.Config;
using DistillSharp.Losses.Sequences;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>attention_maps</c>.</summary>
public sealed record AttentionMapsOptions
{
    /// <summary>How maps are compared.</summary>
    [Option("mse: squared difference of scores (TinyBERT); kl: divergence of probabilities over keys (MiniLM)", OneOf = ["mse", "kl"])]
    public string Distance { get; init; } = "mse";
}

/// <summary>Attention maps of paired Transformer layers.</summary>
public sealed class AttentionMapsMethod : LayerMethod
{
    private readonly bool _divergence;

    /// <summary>Checks the probed shapes.</summary>
    /// <exception cref="ArgumentException">Features are not [N, heads, T, T], or the numbers of heads differ.</exception>
    public AttentionMapsMethod(AttentionMapsOptions options, MethodContext context)
        : base("attention_maps", context)
    {
        _divergence = options.Distance == "kl";
        RequireAxes(4, "attention maps [batch, heads, positions, positions]");
        CheckPairs((student, teacher) =>
        {
            if (student[1] != teacher[1])
            {
                throw new ArgumentException($"attention_maps: {student[1]} and {teacher[1]} heads cannot be paired; attention_relations compares layers of any number of heads");
            }
        });
    }

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "attention_maps",
        "attention maps of paired Transformer layers are equal",
        "Jiao et al.: TinyBERT, EMNLP Findings 2020 (mse); Wang et al.: MiniLM, NeurIPS 2020 (kl)",
        typeof(AttentionMapsOptions),
        MethodTraits.UsesFeatures | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (options, context) => new AttentionMapsMethod((AttentionMapsOptions)options, context))
    {
        Variant = "valid queries and keys only",
    };

    /// <inheritdoc/>
    private protected override Tensor Values(int pair, Tensor student, Tensor teacher, Tensor? mask) => _divergence
        ? HiddenStateLoss.AttentionDivergence(student, teacher, mask)
        : HiddenStateLoss.AttentionSquare(student, teacher, mask);
}
