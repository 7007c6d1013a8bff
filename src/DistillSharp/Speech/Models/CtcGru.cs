using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of <c>ctc_gru</c>.</summary>
public sealed record CtcGruOptions : CtcModelOptions
{
    /// <inheritdoc/>
    [Option("recurrent layers", Min = 1, Max = 16)]
    public override int Layers { get; init; } = 2;

    /// <summary>Units of a layer in each direction.</summary>
    [Option("units of a layer in each direction", Min = 1, Max = 4096)]
    public int Width { get; init; } = 192;

    /// <summary>Both directions; false for a network that can follow speech as it comes.</summary>
    [Option("read in both directions; false can follow speech as it comes")]
    public bool Bidirectional { get; init; } = true;
}

/// <summary>
/// Speech to characters: convolutions that halve the frames, recurrent layers in one or both directions, a linear layer. Features are
/// normalised within. What stands behind an utterance's length is never read, in either direction.
/// </summary>
public sealed class CtcGru : CtcNetwork
{
    private readonly List<GruLayer> _layers = [];

    /// <summary>Builds it for a dataset of speech.</summary>
    /// <exception cref="ArgumentException">The dataset is none.</exception>
    public CtcGru(CtcGruOptions options, DatasetInfo data)
        : base("ctc_gru", options, data)
    {
        Options = options;
        long channels = options.Channels;
        for (var i = 1; i <= options.Layers; i++)
        {
            _layers.Add(new GruLayer(channels, options.Width, options.Bidirectional, options.Dropout));
            channels = options.Width * (options.Bidirectional ? 2 : 1);
            Add(i, _layers[^1], channels);
        }
    }

    /// <summary>How it was built.</summary>
    public CtcGruOptions Options { get; }

    /// <inheritdoc/>
    private protected override (Tensor Hidden, Tensor? Shared) Begin(Tensor frames, Tensor lengths) =>
        (frames, Options.Bidirectional ? Reversal(lengths, frames.shape[1]) : null);

    /// <inheritdoc/>
    private protected override Tensor Layer(int layer, Tensor hidden, Tensor? shared) => _layers[layer - 1].Forward(hidden, shared);

    // Where each frame of the reversed utterance comes from; padding stays where it is.
    private static Tensor Reversal(Tensor lengths, long frames)
    {
        var places = arange(frames, device: lengths.device).unsqueeze(0);
        var ends = lengths.unsqueeze(1);
        return where(places.lt(ends), ends - 1 - places, places);
    }
}

/// <summary>A gated recurrent layer in one or both directions, layer norm and dropout.</summary>
internal sealed class GruLayer : nn.Module
{
    private readonly GRU forwards;
    private readonly GRU? backwards;
    private readonly LayerNorm norm;
    private readonly InvertedDropout dropout;

    public GruLayer(long inputs, long width, bool bidirectional, double dropped)
        : base("gru_layer")
    {
        forwards = nn.GRU(inputs, width, batchFirst: true);
        backwards = bidirectional ? nn.GRU(inputs, width, batchFirst: true) : null;
        norm = nn.LayerNorm(bidirectional ? 2 * width : width);
        dropout = new InvertedDropout(dropped);
        RegisterComponents();
    }

    public Tensor Forward(Tensor hidden, Tensor? reversal)
    {
        var (output, _) = forwards.call(hidden);
        if (backwards is not null)
        {
            var (reversed, _) = backwards.call(Reorder(hidden, reversal!));
            output = cat([output, Reorder(reversed, reversal!)], 2);
        }

        return dropout.call(norm.call(output));
    }

    private static Tensor Reorder(Tensor hidden, Tensor places) => hidden.gather(1, places.unsqueeze(-1).expand(-1, -1, hidden.shape[2]));
}
