using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Sequences;
using DistillSharp.Sequences.Transformers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of <c>speech_transformer</c>.</summary>
public sealed record SpeechTransformerOptions : SpeechModelOptions, ITransformerShape
{
    /// <inheritdoc/>
    [Option("width of embeddings and layers", Min = 8, Max = 4096)]
    public int Width { get; init; } = 144;

    /// <inheritdoc/>
    [Option("attention heads; must divide the width", Min = 1, Max = 64)]
    public int Heads { get; init; } = 4;

    /// <summary>Width of the hidden layer of feed-forward blocks.</summary>
    [Option("hidden units of feed-forward blocks; 4 times the width by default", Min = 8, Max = 16384)]
    public int? FeedForward { get; init; }

    /// <inheritdoc/>
    [Option("encoder layers", Min = 1, Max = 48)]
    public int EncoderLayers { get; init; } = 4;

    /// <inheritdoc/>
    [Option("decoder layers", Min = 1, Max = 48)]
    public int DecoderLayers { get; init; } = 2;

    /// <inheritdoc/>
    public int Hidden => FeedForward ?? 4 * Width;

    /// <summary>Decoder layers attend to the symbols before.</summary>
    public DecoderKind Decoder => DecoderKind.Attention;

    /// <inheritdoc/>
    public override void Check(ConfigNode node, ConfigErrors errors)
    {
        base.Check(node, errors);
        this.CheckSizes(node, errors);
    }
}

/// <summary>
/// Speech to symbols by an encoder that hears and a decoder that writes (Dong et al., Speech-Transformer, ICASSP 2018; small): convolutions that halve the frames, Transformer layers that normalise before
/// each block, and the decoder of translation. What stands behind an utterance's length is never read.
/// </summary>
public sealed class SpeechTransformer : SpeechNetwork
{
    private readonly Linear _input;
    private readonly LayerStack _encoder;
    private readonly TokenDecoder _writer;

    /// <summary>Builds it for a dataset of speech whose transcripts are token sequences.</summary>
    /// <exception cref="ArgumentException">The dataset is none.</exception>
    public SpeechTransformer(SpeechTransformerOptions options, DatasetInfo data)
        : base("speech_transformer", options, data)
    {
        Options = options;
        Sequence = data.Sequence ?? throw new ArgumentException($"speech_transformer writes token sequences, and {data.Name} has none");
        var (embedding, dropout) = (nn.Embedding(Sequence.Vocabulary, options.Width), new InvertedDropout(options.Dropout));
        _input = nn.Linear(options.Channels, options.Width);
        _encoder = new LayerStack("encoder", options.Width, Enumerable.Range(0, options.EncoderLayers).Select(_ => new EncoderLayer(options)));
        var decoder = new LayerStack("decoder", options.Width, Enumerable.Range(0, options.DecoderLayers).Select(_ => new DecoderLayer(options)));
        foreach (var (name, module) in new (string, nn.Module)[] { ("input", _input), ("embedding", embedding), ("dropout", dropout), ("encoder", _encoder), ("decoder", decoder) })
        {
            register_module(name, module);
        }

        _writer = new TokenDecoder(Sequence, options.Width, embedding, dropout, decoder);
        _writer.Initialise(modules());
    }

    /// <summary>How it was built.</summary>
    public SpeechTransformerOptions Options { get; }

    /// <inheritdoc/>
    public override SequenceInfo Sequence { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints => Options.FeaturePoints();

    /// <inheritdoc/>
    public override Tensor Logits(Batch batch)
    {
        var (memory, mask) = Encode(batch.Input, batch.Lengths[Batch.DefaultInput]);
        return _writer.Logits(batch.Inputs[Batch.DecoderInput], memory, mask);
    }

    /// <inheritdoc/>
    public override Tensor? MaskOf(string feature, Batch batch) =>
        feature.StartsWith("encoder", StringComparison.Ordinal) ? FrameMask(batch) : batch.Inputs[Batch.DecoderInput].ne(Sequence.Pad).to(ScalarType.Float32);

    /// <summary>Opens it for a batch of features; it must be in evaluation mode, and stays the caller's.</summary>
    /// <param name="batch">Features and their lengths; transcripts are not read.</param>
    /// <param name="width">Hypotheses of an utterance.</param>
    public IStepModel OpenSteps(Batch batch, int width) => new TransformerSteps(_writer, () => Encode(batch.Input, batch.Lengths[Batch.DefaultInput]), width);

    /// <summary>Memory [N, T′, D] of features [N, T, mels], and what is added to products with frames behind an utterance's end [N, 1, 1, T′].</summary>
    internal (Tensor Memory, Tensor Mask) Encode(Tensor features, Tensor lengths)
    {
        var (frames, ends) = Subsample(features, lengths);
        var valid = Valid(ends, frames.shape[1], frames.dtype);
        var mask = zeros_like(valid).masked_fill(valid.eq(0), float.NegativeInfinity).view(valid.shape[0], 1, 1, valid.shape[1]);
        var value = _writer.Place(_input.call(frames), 0);
        foreach (var layer in _encoder.Layers.Cast<EncoderLayer>())
        {
            value = layer.forward(value, mask);
        }

        return (_encoder.Normalise(value), mask);
    }
}
