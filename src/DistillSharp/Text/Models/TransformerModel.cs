using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Sequences;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Text.Models;

/// <summary>
/// Encoder and decoder (Vaswani et al., NeurIPS 2017) that normalise before each block; source embedding, target embedding and output
/// share one matrix. Feature points: <c>encoderK</c> and <c>decoderK</c> (what a layer gives, [N, T, D]), <c>encoderK.queries</c>,
/// <c>.keys</c> and <c>.values</c> of self-attention, and <c>encoder</c> and <c>decoder</c> after the last normalisation.
/// </summary>
public sealed class TransformerModel : Network, ISequenceNetwork
{
    private readonly Embedding embedding;
    private readonly InvertedDropout dropout;
    private readonly Stack encoder;
    private readonly Stack decoder;
    private readonly double _scale;
    // Numbers and no tensor: that would be taken for a buffer, and kept with the weights.
    private float[] _positions = [];

    /// <summary>Builds the network for a vocabulary.</summary>
    /// <exception cref="ArgumentException">The data are no token sequences.</exception>
    public TransformerModel(TransformerOptions options, DatasetInfo data)
        : base("transformer")
    {
        Tokens = data.Sequence ?? throw new ArgumentException($"transformer translates token sequences, and {data.Name} has none; take a dataset of parallel text, such as debian_descriptions or parallel_text");
        Options = options;
        embedding = nn.Embedding(Tokens.Vocabulary, options.Width);
        dropout = new InvertedDropout(options.Dropout);
        encoder = new Stack("encoder", options.Width, Enumerable.Range(0, options.EncoderLayers).Select(_ => new EncoderLayer(options)));
        decoder = new Stack("decoder", options.Width, Enumerable.Range(0, options.DecoderLayers).Select(_ => new DecoderLayer(options)));
        _scale = Math.Sqrt(options.Width);
        RegisterComponents();
        Initialise();
    }

    /// <summary>What it was built with.</summary>
    public TransformerOptions Options { get; }

    /// <summary>Its vocabulary.</summary>
    public SequenceInfo Tokens { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints => Options.FeaturePoints();

    /// <inheritdoc/>
    public override SequenceInfo Sequence => Tokens;

    /// <inheritdoc/>
    public override Tensor Logits(Batch batch)
    {
        var mask = SourceMask(batch.Input);
        var memory = Encode(batch.Input, mask);
        return Project(Decode(batch.Inputs[Batch.DecoderInput], memory, mask));
    }

    /// <inheritdoc/>
    public IStepModel OpenSteps(IReadOnlyList<int[]> sources, int width) => new TransformerSteps(this, sources, width);

    /// <inheritdoc/>
    public override Tensor? MaskOf(string feature, Batch batch) =>
        (feature.StartsWith("encoder", StringComparison.Ordinal) ? batch.Input : batch.Inputs[Batch.DecoderInput]).ne(Tokens.Pad).to(ScalarType.Float32);

    /// <summary>Memory [N, S, D] of source tokens [N, S].</summary>
    internal Tensor Encode(Tensor source, Tensor? mask)
    {
        var value = Embed(source, 0);
        foreach (var layer in encoder.Layers.Cast<EncoderLayer>())
        {
            value = layer.forward(value, mask);
        }

        return encoder.Normalise(value);
    }

    /// <summary>Logits [.., V] of normalised decoder outputs.</summary>
    internal Tensor Project(Tensor hidden) => nn.functional.linear(hidden, embedding.weight!);

    /// <summary>What is added to products with padded source positions [N, 1, 1, S]; null where nothing is padded.</summary>
    internal Tensor? SourceMask(Tensor source)
    {
        var padded = source.eq(Tokens.Pad);
        return padded.any().ToBoolean()
            ? zeros(source.shape, ScalarType.Float32, source.device).masked_fill_(padded, float.NegativeInfinity).view(source.shape[0], 1, 1, source.shape[1])
            : null;
    }

    /// <summary>The layers that remember, for decoding step by step.</summary>
    internal IReadOnlyList<DecoderLayer> DecoderLayers => [.. decoder.Layers.Cast<DecoderLayer>()];

    /// <summary>The last normalisation of the decoder.</summary>
    internal Tensor NormaliseDecoder(Tensor value) => decoder.Normalise(value);

    /// <summary>Embeddings with positions from <paramref name="first"/> on.</summary>
    internal Tensor Embed(Tensor tokens, long first)
    {
        var last = first + tokens.shape[1];
        if (last * Options.Width > _positions.Length)
        {
            _positions = SinusoidalPositions.Make(Math.Max(64, 2 * last), Options.Width);
        }

        var positions = tensor(_positions[(int)(first * Options.Width)..(int)(last * Options.Width)]).view(-1, Options.Width).to(tokens.device);
        return dropout.call((embedding.call(tokens) * _scale) + positions);
    }

    private Tensor Decode(Tensor input, Tensor memory, Tensor? mask)
    {
        var value = Embed(input, 0);
        foreach (var layer in decoder.Layers.Cast<DecoderLayer>())
        {
            value = layer.forward(value, memory, mask);
        }

        return decoder.Normalise(value);
    }

    // Embeddings of deviation 1/√D, which the scale brings to 1 and the tied output to logits of 1; Glorot's for the rest.
    private void Initialise()
    {
        nn.init.normal_(embedding.weight!, 0, 1 / _scale);
        foreach (var linear in modules().OfType<Linear>())
        {
            nn.init.xavier_uniform_(linear.weight!);
            if (linear.bias is { } bias)
            {
                nn.init.zeros_(bias);
            }
        }
    }

    private sealed class Stack : nn.Module
    {
        private readonly ModuleList<nn.Module> layers = new();
        private readonly LayerNorm norm;

        public Stack(string name, int width, IEnumerable<nn.Module> parts)
            : base(name)
        {
            parts.ToList().ForEach(layers.Add);
            norm = nn.LayerNorm(width);
            RegisterComponents();
        }

        public IEnumerable<nn.Module> Layers => layers;

        public Tensor Normalise(Tensor value) => norm.call(value);
    }
}

/// <summary>Positions as sines and cosines (Vaswani et al., 2017, section 3.5): the first half of the width is sines.</summary>
internal static class SinusoidalPositions
{
    /// <summary>[count, width], row by row.</summary>
    public static float[] Make(long count, int width)
    {
        var half = width / 2;
        var values = new float[count * width];
        for (var position = 0; position < count; position++)
        {
            for (var i = 0; i < half; i++)
            {
                var angle = position * Math.Exp(-Math.Log(10000.0) * i / Math.Max(1, half - 1));
                values[(position * width) + i] = (float)Math.Sin(angle);
                values[(position * width) + half + i] = (float)Math.Cos(angle);
            }
        }

        return values;
    }
}
