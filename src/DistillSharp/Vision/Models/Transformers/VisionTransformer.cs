using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Transformers;

/// <summary>Options of <see cref="VisionTransformer"/>.</summary>
public sealed record VisionTransformerOptions : ICheckedOptions
{
    /// <summary>Side of a patch.</summary>
    [Option("Side of a patch in pixels; it must divide the image.", Min = 1, Max = 1024)]
    public int PatchSize { get; init; } = 16;

    /// <summary>Features of a token.</summary>
    [Option("Features of a token.", Min = 1, Max = 65536)]
    public int Width { get; init; } = 768;

    /// <summary>Transformer blocks.</summary>
    [Option("Transformer blocks.", Min = 1, Max = 256)]
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads.</summary>
    [Option("Attention heads of a block; they must divide the width.", Min = 1, Max = 1024)]
    public int Heads { get; init; } = 12;

    /// <summary>Hidden units of a block's MLP.</summary>
    [Option("Hidden units of a block's MLP.", Min = 1, Max = 1_000_000)]
    public int MlpWidth { get; init; } = 3072;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors) => Tokens.CheckHeads(Width, Heads, node, errors);

    internal IReadOnlyList<FeaturePoint> FeaturePoints() =>
    [
        new FeaturePoint("stem", "conv_proj"),
        .. Enumerable.Range(1, Depth).Select(layer => new FeaturePoint($"layer{layer}", $"encoder.layers.encoder_layer_{layer - 1}")),
        new FeaturePoint("penultimate", "heads.head", FeatureSide.Input),
        new FeaturePoint("logits", "heads.head"),
    ];
}

/// <summary>
/// Vision Transformer (Dosovitskiy et al., 2021) with torchvision's parameter names. Feature points: <c>stem</c> (patches as a map
/// [N, D, h, w]), <c>layer1</c>… (tokens [N, 1 + h·w, D] after each block), <c>penultimate</c> (the class token), <c>logits</c>. The attention
/// maps of a block are at <c>encoder.layers.encoder_layer_K.self_attention.softmax</c>.
/// </summary>
public sealed class VisionTransformer : SingleInputNetwork
{
    private readonly Parameter class_token;
    private readonly Conv2d conv_proj;
    private readonly Encoder encoder;
    private readonly Sequential heads;

    /// <summary>Builds the network for images and classes of <paramref name="data"/>.</summary>
    /// <exception cref="ArgumentException">The samples are no images that patches fill, or the heads do not divide the width.</exception>
    public VisionTransformer(VisionTransformerOptions options, DatasetInfo data)
        : base("vit")
    {
        var (channels, _, _) = InputShapes.Image(data, "vit");
        var classes = InputShapes.Classes(data, "vit");
        var patches = Tokens.Count(data, options.PatchSize, "vit");
        if (options.Width % options.Heads != 0)
        {
            throw new ArgumentException($"vit: {options.Heads} heads do not divide the width {options.Width}");
        }

        class_token = Layers.Zeros(1, 1, options.Width);
        conv_proj = Layers.Patches(channels, options.Width, options.PatchSize);
        encoder = new Encoder(options, patches + 1);
        var head = Layers.Linear(options.Width, classes);
        heads = nn.Sequential(("head", head));
        RegisterComponents();
        FeaturePoints = options.FeaturePoints();
        nn.init.normal_(conv_proj.weight, 0, Math.Sqrt(1.0 / (channels * options.PatchSize * options.PatchSize)));
        nn.init.zeros_(conv_proj.bias!);
        nn.init.zeros_(head.weight!);
        nn.init.zeros_(head.bias!);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string ClassifierPath => "heads.head";

    internal static ModelFamily<VisionTransformerOptions> Family { get; } = new(
        "vit",
        "Transformer over the patches of an image, of any size, for ImageNet or, with small patches, small images.",
        "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
        options => options.FeaturePoints(),
        (options, data) => new VisionTransformer(options, data))
    {
        FaultOf = (options, data) => Tokens.FaultOf(data, options.PatchSize, "vit"),
    };

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var map = conv_proj.call(input);
        using var patches = Tokens.FromMap(map);
        using var tokens = Tokens.Prepend(patches, class_token);
        using var encoded = encoder.call(tokens);
        using var first = encoded.select(1, 0);
        return heads.call(first);
    }

    /// <inheritdoc/>
    public override GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var patches = Tokens.FromMap(graph, graph.Module(conv_proj, input, nameof(conv_proj)));
        var tokens = Tokens.Prepend(graph, patches, graph.Parameter(class_token, nameof(class_token)));
        return graph.Module(heads, Tokens.Select(graph, graph.Module(encoder, tokens, nameof(encoder)), 0), nameof(heads));
    }

    /// <summary>Positions, blocks, and the norm after them.</summary>
    private sealed class Encoder : nn.Module<Tensor, Tensor>, INetworkGraph
    {
        private readonly Parameter pos_embedding;
        private readonly Sequential layers;
        private readonly LayerNorm ln;

        public Encoder(VisionTransformerOptions options, long tokens)
            : base("encoder")
        {
            pos_embedding = Layers.Zeros(1, tokens, options.Width);
            layers = nn.Sequential([.. Enumerable.Range(0, options.Depth).Select(layer => ($"encoder_layer_{layer}", (nn.Module<Tensor, Tensor>)Block(options)))]);
            ln = Layers.LayerNorm(options.Width, Tokens.NormEpsilon);
            RegisterComponents();
            nn.init.normal_(pos_embedding, 0, 0.02);
        }

        public override Tensor forward(Tensor input)
        {
            using var placed = input + pos_embedding;
            using var encoded = layers.call(placed);
            return ln.call(encoded);
        }

        public GraphValue Describe(IGraphBuilder graph, GraphValue input)
        {
            var placed = graph.Add(input, graph.Parameter(pos_embedding, nameof(pos_embedding)));
            return graph.Module(ln, graph.Module(layers, placed, nameof(layers)), nameof(ln));
        }

        private static PreNormBlock Block(VisionTransformerOptions options)
        {
            var (first, second) = (Layers.Linear(options.Width, options.MlpWidth), Layers.Linear(options.MlpWidth, options.Width));
            foreach (var layer in new[] { first, second })
            {
                nn.init.xavier_uniform_(layer.weight!);
                nn.init.normal_(layer.bias!, 0, 1e-6);
            }

            return new PreNormBlock(
                ("ln_1", Layers.LayerNorm(options.Width, Tokens.NormEpsilon)),
                ("self_attention", new PackedSelfAttention(options.Width, options.Heads)),
                ("ln_2", Layers.LayerNorm(options.Width, Tokens.NormEpsilon)),
                ("mlp", nn.Sequential(("0", first), ("1", nn.GELU()), ("3", second))));
        }
    }
}
