using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Sequences;
using DistillSharp.Sequences.Transformers;
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
    private readonly LayerStack encoder;
    private readonly LayerStack decoder;
    private readonly TokenDecoder _writer;

    /// <summary>Builds the network for a vocabulary.</summary>
    /// <exception cref="ArgumentException">The data are no token sequences.</exception>
    public TransformerModel(TransformerOptions options, DatasetInfo data)
        : base("transformer")
    {
        Tokens = data.Sequence ?? throw new ArgumentException($"transformer translates token sequences, and {data.Name} has none; take a dataset of parallel text, such as debian_descriptions or parallel_text");
        Options = options;
        embedding = nn.Embedding(Tokens.Vocabulary, options.Width);
        dropout = new InvertedDropout(options.Dropout);
        encoder = new LayerStack("encoder", options.Width, Enumerable.Range(0, options.EncoderLayers).Select(_ => new EncoderLayer(options)));
        decoder = new LayerStack("decoder", options.Width, Enumerable.Range(0, options.DecoderLayers).Select(_ => new DecoderLayer(options)));
        _writer = new TokenDecoder(Tokens, options.Width, embedding, dropout, decoder);
        RegisterComponents();
        _writer.Initialise(modules());
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
        return _writer.Logits(batch.Inputs[Batch.DecoderInput], memory, mask);
    }

    /// <inheritdoc/>
    public IStepModel OpenSteps(IReadOnlyList<int[]> sources, int width) => new TransformerSteps(
        _writer,
        () =>
        {
            var tokens = PaddedRows.Of(sources, Tokens.Pad).to(_writer.Device);
            var mask = SourceMask(tokens);
            return (Encode(tokens, mask), mask);
        },
        width);

    /// <inheritdoc/>
    public override Tensor? MaskOf(string feature, Batch batch) =>
        (feature.StartsWith("encoder", StringComparison.Ordinal) ? batch.Input : batch.Inputs[Batch.DecoderInput]).ne(Tokens.Pad).to(ScalarType.Float32);

    /// <summary>Memory [N, S, D] of source tokens [N, S].</summary>
    internal Tensor Encode(Tensor source, Tensor? mask)
    {
        var value = _writer.Embed(source, 0);
        foreach (var layer in encoder.Layers.Cast<EncoderLayer>())
        {
            value = layer.forward(value, mask);
        }

        return encoder.Normalise(value);
    }

    /// <summary>What is added to products with padded source positions [N, 1, 1, S]; null where nothing is padded.</summary>
    internal Tensor? SourceMask(Tensor source)
    {
        var padded = source.eq(Tokens.Pad);
        return padded.any().ToBoolean()
            ? zeros(source.shape, ScalarType.Float32, source.device).masked_fill_(padded, float.NegativeInfinity).view(source.shape[0], 1, 1, source.shape[1])
            : null;
    }
}
