using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Sequences.Transformers;

/// <summary>Hands its input on, so that a feature can be read there.</summary>
internal sealed class FeatureTap(string name) : nn.Module<Tensor, Tensor>(name)
{
    public override Tensor forward(Tensor input) => input.alias();
}

/// <summary>Attention of several heads (Vaswani et al., NeurIPS 2017, section 3.2) without dropout of its weights, which no fast kernel has.</summary>
internal static class Heads
{
    /// <summary>[N, T, D] as [N, heads, T, D / heads].</summary>
    public static Tensor Split(Tensor value, int heads) => value.view(value.shape[0], value.shape[1], heads, value.shape[2] / heads).transpose(1, 2);

    /// <summary>[N, heads, T, D / heads] as [N, T, D].</summary>
    public static Tensor Join(Tensor value) => value.transpose(1, 2).reshape(value.shape[0], value.shape[2], value.shape[1] * value.shape[3]);

    /// <summary>Attention of queries to keys; the mask, added to the products, is [N, 1, 1, keys] or null.</summary>
    public static Tensor Attend(Tensor queries, Tensor keys, Tensor values, Tensor? mask, bool isCausal) =>
        nn.functional.scaled_dot_product_attention(queries, keys, values, mask!, 0.0, isCausal);
}

/// <summary>Attention of a sequence to itself; queries, keys and values are made by one product.</summary>
internal sealed class SelfAttentionBlock : nn.Module
{
    private readonly int _heads;
    private readonly Linear qkv;
    private readonly Linear projection;
    private readonly FeatureTap queries = new("queries");
    private readonly FeatureTap keys = new("keys");
    private readonly FeatureTap values = new("values");

    public SelfAttentionBlock(int width, int heads)
        : base("self_attention")
    {
        _heads = heads;
        (qkv, projection) = (nn.Linear(width, 3 * width), nn.Linear(width, width));
        RegisterComponents();
    }

    public Tensor forward(Tensor input, Tensor? mask, bool isCausal)
    {
        var parts = qkv.call(input).chunk(3, -1);
        var (own, other, content) = (queries.call(parts[0]), keys.call(parts[1]), values.call(parts[2]));
        return projection.call(Heads.Join(Heads.Attend(Heads.Split(own, _heads), Heads.Split(other, _heads), Heads.Split(content, _heads), mask, isCausal)));
    }

    /// <summary>One more position of every row [R, 1, D]: its keys and values are put behind those before.</summary>
    public Tensor Step(Tensor input, ref Tensor? pastKeys, ref Tensor? pastValues)
    {
        var parts = qkv.call(input).chunk(3, -1);
        var (key, value) = (Heads.Split(parts[1], _heads), Heads.Split(parts[2], _heads));
        (pastKeys, pastValues) = pastKeys is null ? (key.contiguous(), value.contiguous()) : (cat([pastKeys, key], 2), cat([pastValues!, value], 2));
        return projection.call(Heads.Join(Heads.Attend(Heads.Split(parts[0], _heads), pastKeys!, pastValues!, null, false)));
    }
}

/// <summary>Attention of a target to its source.</summary>
internal sealed class CrossAttentionBlock : nn.Module
{
    private readonly int _heads;
    private readonly Linear query;
    private readonly Linear key_value;
    private readonly Linear projection;

    public CrossAttentionBlock(int width, int heads)
        : base("cross_attention")
    {
        _heads = heads;
        (query, key_value, projection) = (nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width));
        RegisterComponents();
    }

    public (Tensor Keys, Tensor Values) Remember(Tensor memory)
    {
        var parts = key_value.call(memory).chunk(2, -1);
        return (Heads.Split(parts[0], _heads), Heads.Split(parts[1], _heads));
    }

    /// <param name="input">[N, T, D]: the positions of a target, or the hypotheses of a sentence at one position.</param>
    /// <param name="memory">Keys and values of the source.</param>
    /// <param name="mask">[N, 1, 1, S] or null.</param>
    public Tensor forward(Tensor input, (Tensor Keys, Tensor Values) memory, Tensor? mask) =>
        projection.call(Heads.Join(Heads.Attend(Heads.Split(query.call(input), _heads), memory.Keys, memory.Values, mask, false)));
}
