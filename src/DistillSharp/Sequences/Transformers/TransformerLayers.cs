using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Sequences.Transformers;

/// <summary>Two linear layers with a ReLU between them.</summary>
internal sealed class FeedForwardBlock : nn.Module<Tensor, Tensor>
{
    private readonly Linear expand;
    private readonly Linear contract;

    public FeedForwardBlock(int width, int hidden)
        : base("feed_forward")
    {
        (expand, contract) = (nn.Linear(width, hidden), nn.Linear(hidden, width));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => contract.call(expand.call(input).relu_());
}

/// <summary>An encoder layer that normalises before each block (Xiong et al., On Layer Normalization in the Transformer Architecture, ICML 2020).</summary>
internal sealed class EncoderLayer : nn.Module
{
    private readonly LayerNorm attention_norm;
    private readonly SelfAttentionBlock self_attention;
    private readonly LayerNorm feed_forward_norm;
    private readonly FeedForwardBlock feed_forward;
    private readonly InvertedDropout dropout;
    private readonly FeatureTap output = new("output");

    public EncoderLayer(ITransformerShape options)
        : base("encoder_layer")
    {
        (attention_norm, feed_forward_norm) = (nn.LayerNorm(options.Width), nn.LayerNorm(options.Width));
        self_attention = new SelfAttentionBlock(options.Width, options.Heads);
        feed_forward = new FeedForwardBlock(options.Width, options.Hidden);
        dropout = new InvertedDropout(options.Dropout);
        RegisterComponents();
    }

    public Tensor forward(Tensor input, Tensor? mask)
    {
        var attended = input + dropout.call(self_attention.forward(attention_norm.call(input), mask, false));
        return output.call(attended + dropout.call(feed_forward.call(feed_forward_norm.call(attended))));
    }
}

/// <summary>A decoder layer: what came before, the source, then a feed-forward block.</summary>
internal sealed class DecoderLayer : nn.Module
{
    private readonly LayerNorm history_norm;
    private readonly SelfAttentionBlock? self_attention;
    private readonly SsruBlock? ssru;
    private readonly LayerNorm cross_norm;
    private readonly CrossAttentionBlock cross_attention;
    private readonly LayerNorm feed_forward_norm;
    private readonly FeedForwardBlock feed_forward;
    private readonly InvertedDropout dropout;
    private readonly FeatureTap output = new("output");

    public DecoderLayer(ITransformerShape options)
        : base("decoder_layer")
    {
        (history_norm, cross_norm, feed_forward_norm) = (nn.LayerNorm(options.Width), nn.LayerNorm(options.Width), nn.LayerNorm(options.Width));
        self_attention = options.Decoder == DecoderKind.Attention ? new SelfAttentionBlock(options.Width, options.Heads) : null;
        ssru = options.Decoder == DecoderKind.Ssru ? new SsruBlock(options.Width) : null;
        cross_attention = new CrossAttentionBlock(options.Width, options.Heads);
        feed_forward = new FeedForwardBlock(options.Width, options.Hidden);
        dropout = new InvertedDropout(options.Dropout);
        RegisterComponents();
    }

    public (Tensor Keys, Tensor Values) Remember(Tensor memory) => cross_attention.Remember(memory);

    public Tensor forward(Tensor input, Tensor memory, Tensor? mask)
    {
        var normalised = history_norm.call(input);
        var history = input + dropout.call(self_attention?.forward(normalised, null, true) ?? ssru!.forward(normalised));
        var read = history + dropout.call(cross_attention.forward(cross_norm.call(history), cross_attention.Remember(memory), mask));
        return output.call(read + dropout.call(feed_forward.call(feed_forward_norm.call(read))));
    }

    /// <summary>One more position of every hypothesis.</summary>
    /// <param name="input">[sentences × width, 1, D].</param>
    /// <param name="past">What the layer remembers; replaced.</param>
    /// <param name="memory">Keys and values of the sources.</param>
    /// <param name="mask">[sentences, 1, 1, S] or null.</param>
    /// <param name="width">Hypotheses of a sentence.</param>
    public Tensor Step(Tensor input, LayerPast past, (Tensor Keys, Tensor Values) memory, Tensor? mask, int width)
    {
        var normalised = history_norm.call(input);
        var history = input + (self_attention?.Step(normalised, ref past.Keys, ref past.Values) ?? ssru!.Step(normalised, ref past.Keys));
        // The hypotheses of a sentence stand beside each other as if they were positions: the source is read without copies of it.
        var rows = cross_norm.call(history).view(input.shape[0] / width, width, input.shape[2]);
        var read = history + cross_attention.forward(rows, memory, mask).view(input.shape);
        return read + feed_forward.call(feed_forward_norm.call(read));
    }
}

/// <summary>What a decoder layer remembers of the tokens read: keys and values [rows, heads, T, D / heads], or a state [rows, 1, D].</summary>
internal sealed class LayerPast
{
    public Tensor? Keys;
    public Tensor? Values;
}

/// <summary>Layers one behind the other, and a last normalisation.</summary>
internal sealed class LayerStack : nn.Module
{
    private readonly ModuleList<nn.Module> layers = new();
    private readonly LayerNorm norm;

    public LayerStack(string name, int width, IEnumerable<nn.Module> parts)
        : base(name)
    {
        parts.ToList().ForEach(layers.Add);
        norm = nn.LayerNorm(width);
        RegisterComponents();
    }

    public IEnumerable<nn.Module> Layers => layers;

    public Tensor Normalise(Tensor value) => norm.call(value);
}
