using DistillSharp.Config;
using DistillSharp.Losses.Sequences;
using static TorchSharp.torch;

namespace DistillSharp.Methods.Sequences;

/// <summary>Options of <c>attention_relations</c>.</summary>
public sealed record AttentionRelationsOptions
{
    /// <summary>Relation heads.</summary>
    [Option("relation heads; both widths must be multiples", Min = 1)]
    public int Heads { get; init; } = 12;
}

/// <summary>Self-attention relations between the positions of paired layers: queries, keys or values as features, one pair each.</summary>
public sealed class AttentionRelationsMethod : LayerMethod
{
    private readonly int _heads;

    /// <summary>Checks the probed shapes.</summary>
    /// <exception cref="ArgumentException">Features are not [N, T, D], or the heads do not divide a width.</exception>
    public AttentionRelationsMethod(AttentionRelationsOptions options, MethodContext context)
        : base("attention_relations", context)
    {
        _heads = options.Heads;
        RequireAxes(3, "queries, keys or values [batch, positions, width]");
        CheckPairs((student, teacher) =>
        {
            if (student[2] % _heads != 0 || teacher[2] % _heads != 0)
            {
                throw new ArgumentException($"attention_relations: {_heads} relation heads do not divide the widths {student[2]} and {teacher[2]}");
            }
        });
    }

    /// <summary>The catalog's entry.</summary>
    public static MethodEntry Entry { get; } = new(
        "attention_relations",
        "which positions resemble each other, by queries, keys or values, is the teacher's",
        "Wang et al.: MiniLM, NeurIPS 2020; Wang et al.: MiniLMv2, ACL Findings 2021",
        typeof(AttentionRelationsOptions),
        MethodTraits.UsesFeatures | MethodTraits.ZeroAtTeacher | MethodTraits.Sequences,
        (options, context) => new AttentionRelationsMethod((AttentionRelationsOptions)options, context))
    {
        Variant = "relation heads as in MiniLMv2; as many as attention heads give MiniLM's value relation",
    };

    /// <inheritdoc/>
    private protected override Tensor Values(int pair, Tensor student, Tensor teacher, Tensor? mask) =>
        HiddenStateLoss.Relations(student, teacher, mask, _heads);
}
