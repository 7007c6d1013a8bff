using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>Options of <see cref="DistilledTransformer"/>.</summary>
public sealed record DistilledTransformerOptions : ICheckedOptions
{
    /// <summary>Side of a patch.</summary>
    [Option("Side of a patch in pixels; it must divide the image.", Min = 1, Max = 1024)]
    public int PatchSize { get; init; } = 16;

    /// <summary>Features of a token.</summary>
    [Option("Features of a token: 192 (tiny), 384 (small), 768 (base).", Min = 1, Max = 65536)]
    public int Width { get; init; } = 192;

    /// <summary>Transformer blocks.</summary>
    [Option("Transformer blocks.", Min = 1, Max = 256)]
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads.</summary>
    [Option("Attention heads of a block: 3 (tiny), 6 (small), 12 (base); they must divide the width.", Min = 1, Max = 1024)]
    public int Heads { get; init; } = 3;

    /// <summary>Hidden units of a block's MLP for one feature.</summary>
    [Option("Hidden units of a block's MLP for one feature of a token.", Min = 1, Max = 64)]
    public int MlpRatio { get; init; } = 4;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors) => Tokens.CheckHeads(Width, Heads, node, errors);

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "patch_embed"),
        .. Enumerable.Range(1, Depth).Select(layer => new FeaturePoint($"layer{layer}", $"blocks.{layer - 1}")),
        new FeaturePoint("penultimate", "head", FeatureSide.Input),
        new FeaturePoint("distillation_logits", "head_dist"),
        new FeaturePoint("logits", "average"),
    ];
}

/// <summary>
/// DeiT with the distillation token (Touvron et al., 2021) and timm's parameter names. Its logits are those of the class token in
/// training, the mean of both heads in evaluation (those of the class token alone where no term has taught <c>head_dist</c>). Feature points:
/// <c>stem</c> (patches [N, P, D]), <c>layer1</c>… (tokens [N, 2 + P, D]),
/// <c>penultimate</c> (the class token), <c>distillation_logits</c> (the head that learns from the teacher), <c>logits</c>. The attention maps of a
/// block are at <c>blocks.K.attn.softmax</c>.
/// </summary>
public sealed class DistilledTransformer : SingleInputNetwork
{
    private const double InitialDeviation = 0.02;

    private readonly Parameter cls_token;
    private readonly Parameter dist_token;
    private readonly Parameter pos_embed;
    private readonly PatchEmbedding patch_embed;
    private readonly Sequential blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;
    private readonly Linear head_dist;
    private readonly HeadAverage average;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images that patches fill, or the heads do not divide the width.</exception>
    public DistilledTransformer(DistilledTransformerOptions options, DatasetInfo data)
        : base("deit")
    {
        var (channels, _, _) = InputShapes.Image(data, "deit");
        var classes = InputShapes.Classes(data, "deit");
        var patches = Tokens.Count(data, options.PatchSize, "deit");
        if (options.Width % options.Heads != 0)
        {
            throw new ArgumentException($"deit: {options.Heads} heads do not divide the width {options.Width}");
        }

        cls_token = Layers.Zeros(1, 1, options.Width);
        dist_token = Layers.Zeros(1, 1, options.Width);
        pos_embed = Layers.Zeros(1, patches + 2, options.Width);
        patch_embed = new PatchEmbedding(channels, options.Width, options.PatchSize);
        blocks = Layers.Chain(Enumerable.Range(0, options.Depth).Select(_ => Block(options)));
        norm = Layers.LayerNorm(options.Width, Tokens.NormEpsilon);
        head = Layers.Linear(options.Width, classes);
        head_dist = Layers.Linear(options.Width, classes);
        average = new HeadAverage(() => IsTaught);
        RegisterComponents();
        FeaturePoints = options.FeaturePoints();
        Initialise();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    internal static ModelFamily<DistilledTransformerOptions> Family { get; } = new(
        "deit",
        "Transformer over the patches of an image with a token and a head that learn from the teacher.",
        "Touvron et al., Training Data-Efficient Image Transformers and Distillation through Attention, ICML 2021",
        options => options.FeaturePoints(),
        (options, data) => new DistilledTransformer(options, data))
    {
        FaultOf = (options, data) => Tokens.FaultOf(data, options.PatchSize, "deit"),
    };

    // Biases start at 0 and stay there exactly until a gradient comes. Seen from the weights, it is the same for a file that was read back.
    private bool IsTaught
    {
        get
        {
            using var scope = NewDisposeScope();
            var bias = head_dist.bias!;
            return bias.device_type == TorchSharp.DeviceType.META || bias.ne(0).any().item<bool>();
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var tokens = Tokens.Prepend(patch_embed.call(input), cls_token, dist_token) + pos_embed;
        var encoded = norm.call(blocks.call(tokens));
        var heads = stack([head.call(encoded.select(1, 0)), head_dist.call(encoded.select(1, 1))], 1);
        return average.call(heads).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var patches = graph.Module(patch_embed, input, nameof(patch_embed));
        var tokens = Tokens.Prepend(graph, patches, graph.Parameter(cls_token, nameof(cls_token)), graph.Parameter(dist_token, nameof(dist_token)));
        var placed = graph.Add(tokens, graph.Parameter(pos_embed, nameof(pos_embed)));
        var encoded = graph.Module(norm, graph.Module(blocks, placed, nameof(blocks)), nameof(norm));
        var first = graph.Module(head, Tokens.Select(graph, encoded, 0), nameof(head));
        var second = graph.Module(head_dist, Tokens.Select(graph, encoded, 1), nameof(head_dist));
        var heads = graph.Concat([graph.Reshape(first, 1, first.Shape[1]), graph.Reshape(second, 1, second.Shape[1])]);
        return graph.Module(average, heads, nameof(average));
    }

    private static PreNormBlock Block(DistilledTransformerOptions options)
    {
        var hidden = (long)options.Width * options.MlpRatio;
        return new PreNormBlock(
            ("norm1", Layers.LayerNorm(options.Width, Tokens.NormEpsilon)),
            ("attn", new SelfAttention(options.Width, options.Heads)),
            ("norm2", Layers.LayerNorm(options.Width, Tokens.NormEpsilon)),
            ("mlp", nn.Sequential(("fc1", Layers.Linear(options.Width, hidden)), ("act", nn.GELU()), ("fc2", Layers.Linear(hidden, options.Width)))));
    }

    // The originals cut the normal at ±2, a hundred deviations away. TorchSharp's trunc_normal_ is not used: it fills with one value.
    private void Initialise()
    {
        foreach (var token in new[] { cls_token, dist_token, pos_embed })
        {
            nn.init.normal_(token, 0, InitialDeviation);
        }

        foreach (var linear in modules().OfType<Linear>())
        {
            nn.init.normal_(linear.weight!, 0, InitialDeviation);
            nn.init.zeros_(linear.bias!);
        }
    }
}
