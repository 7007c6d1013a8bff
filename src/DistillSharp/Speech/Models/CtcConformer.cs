using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of <c>ctc_conformer</c>.</summary>
public sealed record CtcConformerOptions : CtcModelOptions
{
    /// <inheritdoc/>
    [Option("Conformer blocks", Min = 1, Max = 32)]
    public override int Layers { get; init; } = 4;

    /// <summary>Width of all blocks.</summary>
    [Option("width of the blocks", Min = 8, Max = 4096)]
    public int Width { get; init; } = 144;

    /// <summary>Attention heads.</summary>
    [Option("attention heads; the width must be an even multiple of them", Min = 1, Max = 64)]
    public int AttentionHeads { get; init; } = 4;

    /// <summary>Width of the hidden layer of feed-forward modules.</summary>
    [Option("hidden units of feed-forward modules; 4 times the width by default", Min = 8, Max = 16384)]
    public int? FeedForward { get; init; }

    /// <summary>Frames of a depthwise convolution.</summary>
    [Option("frames that a depthwise convolution reads; odd", Min = 1, Max = 255)]
    public int Kernel { get; init; } = 15;

    /// <summary>Both directions; false for a network that can follow speech as it comes.</summary>
    [Option("read in both directions; false: attention and convolutions read what came before alone")]
    public bool Bidirectional { get; init; } = true;

    /// <summary>Hidden units of a feed-forward module.</summary>
    internal int Hidden => FeedForward ?? 4 * Width;

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        if (Width % (2 * AttentionHeads) != 0)
        {
            errors.Add(node.PathOf("attention_heads"), $"width ({Width}) must be an even multiple of attention_heads, not of {AttentionHeads}: positions turn pairs of values", node.Line);
        }

        if (Kernel % 2 == 0)
        {
            errors.Add(node.PathOf("kernel"), $"must be odd, so that it has a middle, not {Kernel}", node.Line);
        }
    }
}

/// <summary>
/// Speech to symbols by Conformer blocks (Gulati et al., Conformer: Convolution-augmented Transformer for Speech Recognition, Interspeech
/// 2020). Other than there, positions are rotary (Su et al., RoFormer, 2021), which are relative too, and the convolution module has layer in the place of batch
/// normalisation, so that an utterance's output does not depend on its batch. What stands behind its length is never read.
/// </summary>
public sealed class CtcConformer : CtcNetwork
{
    private readonly Linear _input;
    private readonly InvertedDropout _dropout;
    private readonly List<ConformerBlock> _blocks = [];

    /// <summary>Builds it for a dataset of speech.</summary>
    /// <exception cref="ArgumentException">The dataset is none.</exception>
    public CtcConformer(CtcConformerOptions options, DatasetInfo data)
        : base("ctc_conformer", options, data)
    {
        Options = options;
        (_input, _dropout) = (nn.Linear(options.Channels, options.Width), new InvertedDropout(options.Dropout));
        register_module("input", _input);
        register_module("dropout", _dropout);
        for (var i = 1; i <= options.Layers; i++)
        {
            _blocks.Add(new ConformerBlock(options));
            Add(i, _blocks[^1], options.Width);
        }
    }

    /// <summary>How it was built.</summary>
    public CtcConformerOptions Options { get; }

    /// <inheritdoc/>
    private protected override (Tensor Hidden, Tensor? Shared) Begin(Tensor frames, Tensor lengths) =>
        (_dropout.call(_input.call(frames)), Valid(lengths, frames.shape[1], frames.dtype));

    /// <inheritdoc/>
    private protected override Tensor Layer(int layer, Tensor hidden, Tensor? shared) => _blocks[layer - 1].Forward(hidden, shared!);
}

/// <summary>Half a feed-forward module, self-attention, convolution, half a feed-forward module, layer norm; each but the last is added to what it reads.</summary>
internal sealed class ConformerBlock : nn.Module
{
    private readonly ConformerFeedForward feed_forward1;
    private readonly RotaryAttention attention;
    private readonly ConformerConvolution convolution;
    private readonly ConformerFeedForward feed_forward2;
    private readonly LayerNorm norm;
    private readonly InvertedDropout dropout;

    public ConformerBlock(CtcConformerOptions options)
        : base("conformer_block")
    {
        (feed_forward1, feed_forward2) = (new ConformerFeedForward(options), new ConformerFeedForward(options));
        attention = new RotaryAttention(options.Width, options.AttentionHeads, options.Bidirectional);
        convolution = new ConformerConvolution(options);
        norm = nn.LayerNorm(options.Width);
        dropout = new InvertedDropout(options.Dropout);
        RegisterComponents();
    }

    /// <param name="hidden">[N, T, D].</param>
    /// <param name="valid">1 at valid frames [N, T].</param>
    public Tensor Forward(Tensor hidden, Tensor valid)
    {
        hidden = hidden + (dropout.call(feed_forward1.call(hidden)) * 0.5);
        hidden = hidden + dropout.call(attention.Forward(hidden, valid));
        hidden = hidden + dropout.call(convolution.Forward(hidden, valid));
        return norm.call(hidden + (dropout.call(feed_forward2.call(hidden)) * 0.5));
    }
}

/// <summary>Layer norm and two linear layers with swish between them.</summary>
internal sealed class ConformerFeedForward : nn.Module<Tensor, Tensor>
{
    private readonly LayerNorm norm;
    private readonly Linear expand;
    private readonly Linear contract;
    private readonly InvertedDropout dropout;

    public ConformerFeedForward(CtcConformerOptions options)
        : base("feed_forward")
    {
        (norm, expand, contract) = (nn.LayerNorm(options.Width), nn.Linear(options.Width, options.Hidden), nn.Linear(options.Hidden, options.Width));
        dropout = new InvertedDropout(options.Dropout);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => contract.call(dropout.call(nn.functional.silu(expand.call(norm.call(input)))));
}

/// <summary>Layer norm and self-attention with rotary positions: queries and keys are turned by angles that grow with the frame, so that products depend on distances.</summary>
internal sealed class RotaryAttention : nn.Module
{
    private readonly LayerNorm norm;
    private readonly Linear qkv;
    private readonly Linear projection;
    private readonly int _heads;
    private readonly bool _bidirectional;

    public RotaryAttention(long width, int heads, bool bidirectional)
        : base("attention")
    {
        (_heads, _bidirectional) = (heads, bidirectional);
        (norm, qkv, projection) = (nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width));
        RegisterComponents();
    }

    /// <summary>Angles a frame of each pair of a head's values: 10000^(−2i/d).</summary>
    public static float[] Frequencies(int headWidth) => [.. Enumerable.Range(0, headWidth / 2).Select(i => (float)Math.Pow(10000, -2.0 * i / headWidth))];

    public Tensor Forward(Tensor hidden, Tensor valid)
    {
        var (rows, frames, width) = (hidden.shape[0], hidden.shape[1], hidden.shape[2]);
        var parts = qkv.call(norm.call(hidden)).view(rows, frames, 3, _heads, width / _heads).permute(2, 0, 3, 1, 4).unbind(0);
        var angles = arange(frames, ScalarType.Float32, hidden.device).unsqueeze(1) * tensor(Frequencies((int)(width / _heads))).to(hidden.device);
        var (cosine, sine) = (angles.cos(), angles.sin());
        var (queries, keys, values) = (Turn(parts[0], cosine, sine), Turn(parts[1], cosine, sine), parts[2]);
        // In one direction what is read lies before a valid frame, and is valid.
        var mask = _bidirectional ? zeros_like(valid).masked_fill(valid.eq(0), float.NegativeInfinity).view(rows, 1, 1, frames) : null;
        var read = nn.functional.scaled_dot_product_attention(queries, keys, values, mask!, 0.0, !_bidirectional);
        return projection.call(read.transpose(1, 2).reshape(rows, frames, width));
    }

    // The first half of a head's values are the pairs' first members.
    private static Tensor Turn(Tensor value, Tensor cosine, Tensor sine)
    {
        var halves = value.chunk(2, -1);
        return cat([(halves[0] * cosine) - (halves[1] * sine), (halves[1] * cosine) + (halves[0] * sine)], -1);
    }
}

/// <summary>Layer norm, a gated linear unit, a depthwise convolution, layer norm, swish and a linear layer.</summary>
internal sealed class ConformerConvolution : nn.Module
{
    private readonly LayerNorm norm;
    private readonly Linear gate;
    private readonly Conv1d depthwise;
    private readonly LayerNorm depthwise_norm;
    private readonly Linear projection;
    private readonly int _before;
    private readonly int _behind;

    public ConformerConvolution(CtcConformerOptions options)
        : base("convolution")
    {
        (norm, depthwise_norm) = (nn.LayerNorm(options.Width), nn.LayerNorm(options.Width));
        (gate, projection) = (nn.Linear(options.Width, 2 * options.Width), nn.Linear(options.Width, options.Width));
        depthwise = nn.Conv1d(options.Width, options.Width, options.Kernel, groups: options.Width);
        (_before, _behind) = options.Bidirectional ? (options.Kernel / 2, options.Kernel / 2) : (options.Kernel - 1, 0);
        RegisterComponents();
    }

    public Tensor Forward(Tensor hidden, Tensor valid)
    {
        var parts = gate.call(norm.call(hidden)).chunk(2, -1);
        // Zeros behind the end are what stands there for an utterance alone.
        var gated = (parts[0] * parts[1].sigmoid() * valid.unsqueeze(-1)).transpose(1, 2);
        var mixed = depthwise.call(nn.functional.pad(gated, [_before, _behind])).transpose(1, 2);
        return projection.call(nn.functional.silu(depthwise_norm.call(mixed)));
    }
}
