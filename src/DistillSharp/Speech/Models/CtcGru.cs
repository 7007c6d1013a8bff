using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of <c>ctc_gru</c>.</summary>
public sealed record CtcGruOptions : ICheckedOptions
{
    /// <summary>Recurrent layers.</summary>
    [Option("recurrent layers", Min = 1, Max = 16)]
    public int Layers { get; init; } = 2;

    /// <summary>Units of a layer in each direction.</summary>
    [Option("units of a layer in each direction", Min = 1, Max = 4096)]
    public int Width { get; init; } = 192;

    /// <summary>Both directions; false for a network that can follow speech as it comes.</summary>
    [Option("read in both directions; false can follow speech as it comes")]
    public bool Bidirectional { get; init; } = true;

    /// <summary>Input frames an output frame.</summary>
    [Option("input frames of 10 ms an output frame: 2 or 4", Min = 2, Max = 4)]
    public int Subsampling { get; init; } = 4;

    /// <summary>Channels of the convolutions.</summary>
    [Option("channels of the convolutions in front", Min = 1, Max = 4096)]
    public int Channels { get; init; } = 128;

    /// <summary>Dropout after every layer.</summary>
    [Option("share of a layer's outputs that are dropped in training", Min = 0, Max = 0.9)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>Layers, counted from 1, with a head of their own.</summary>
    [Option("layers, counted from 1, that have a CTC head of their own (inter1 …) for ctc_intermediate", Min = 1)]
    public IReadOnlyList<int> Heads { get; init; } = [];

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Subsampling == 3)
        {
            errors.Add(node.PathOf("subsampling"), "must be 2 or 4: each convolution halves the frames", node.Line);
        }

        if (Heads.Any(head => head >= Layers) || Heads.Distinct().Count() != Heads.Count)
        {
            errors.Add(node.PathOf("heads"), $"names layers, each once, before the last of {Layers}, which has the output itself", node.Line);
        }
    }

    /// <summary>Feature points of a network with these options.</summary>
    public IEnumerable<FeaturePoint> FeaturePoints() =>
    [
        .. Enumerable.Range(1, Layers).Select(layer => new FeaturePoint($"layer{layer}", $"layer{layer}.norm")),
        .. Heads.Order().Select(layer => new FeaturePoint($"inter{layer}", $"head{layer}")),
        new FeaturePoint("logits", "classifier"),
    ];
}

/// <summary>
/// Speech to characters: convolutions that halve the frames, recurrent layers in one or both directions, a linear layer. Features are
/// normalised within. What stands behind an utterance's length is never read, in either direction.
/// </summary>
public sealed class CtcGru : Network
{
    private readonly List<Conv1d> _convolutions = [];
    private readonly List<GruLayer> _layers = [];
    private readonly SortedDictionary<int, Linear> _heads = [];
    private readonly Linear classifier;
    private readonly Tensor mean;
    private readonly Tensor deviation;

    /// <summary>Builds it for a dataset of speech.</summary>
    /// <exception cref="ArgumentException">The dataset is none.</exception>
    public CtcGru(CtcGruOptions options, DatasetInfo data)
        : base("ctc_gru")
    {
        Options = options;
        var info = data.Ctc ?? throw new ArgumentException($"ctc_gru needs speech with transcripts, such as speech_manifest; {data.Name} is none");
        FeaturePoints = [.. options.FeaturePoints()];
        // A copy: the buffer belongs to the network, and is loaded with its weights.
        mean = tensor(info.Mean);
        deviation = tensor(info.Deviation);
        long channels = info.Mean.Length;
        for (var i = 0; i < (options.Subsampling == 4 ? 2 : 1); i++)
        {
            _convolutions.Add(nn.Conv1d(channels, options.Channels, 3, stride: 2, padding: 1));
            register_module($"convolution{i + 1}", _convolutions[^1]);
            channels = options.Channels;
        }

        for (var i = 1; i <= options.Layers; i++)
        {
            _layers.Add(new GruLayer(channels, options.Width, options.Bidirectional, options.Dropout));
            register_module($"layer{i}", _layers[^1]);
            channels = options.Width * (options.Bidirectional ? 2 : 1);
            if (options.Heads.Contains(i))
            {
                _heads[i] = nn.Linear(channels, info.Classes);
                register_module($"head{i}", _heads[i]);
            }
        }

        classifier = nn.Linear(channels, info.Classes);
        RegisterComponents();
    }

    /// <summary>How it was built.</summary>
    public CtcGruOptions Options { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; }

    /// <inheritdoc/>
    public override string? ClassifierPath => "classifier";

    /// <summary>Output frames of so many input frames.</summary>
    public int OutputFrames(int frames) => _convolutions.Aggregate(frames, (length, _) => (length + 1) / 2);

    /// <inheritdoc/>
    public override Tensor Logits(Batch batch) => Forward(batch.Input, batch.Lengths[Batch.DefaultInput]);

    /// <summary>Logits [N, T′, classes] of features [N, T, mels] with their lengths [N].</summary>
    public Tensor Forward(Tensor features, Tensor lengths)
    {
        var hidden = ((features - mean) / deviation).transpose(1, 2);
        foreach (var convolution in _convolutions)
        {
            // Zeros behind the end are what the convolution's own padding would be.
            hidden = convolution.call(hidden * Valid(lengths, hidden.shape[2], hidden.dtype).unsqueeze(1)).relu();
            lengths = Halved(lengths);
        }

        hidden = hidden.transpose(1, 2);
        var reversal = Options.Bidirectional ? Reversal(lengths, hidden.shape[1]) : null;
        for (var i = 0; i < _layers.Count; i++)
        {
            hidden = _layers[i].Forward(hidden, reversal);
            if (_heads.TryGetValue(i + 1, out var head) && (training || FeaturesAreWatched))
            {
                head.call(hidden);
            }
        }

        return classifier.call(hidden);
    }

    /// <inheritdoc/>
    public override Tensor? MaskOfLogits(Tensor logits, Batch batch) =>
        Valid(_convolutions.Aggregate(batch.Lengths[Batch.DefaultInput], (lengths, _) => Halved(lengths)), logits.shape[1], logits.dtype);

    /// <inheritdoc/>
    public override Tensor? MaskOf(string feature, Batch batch)
    {
        var frames = _convolutions.Aggregate(batch.Input.shape[1], (length, _) => (length + 1) / 2);
        return Valid(_convolutions.Aggregate(batch.Lengths[Batch.DefaultInput], (lengths, _) => Halved(lengths)), frames, ScalarType.Float32);
    }

    // Heads cost little and taps expect every watched module to be reached, so they are always computed.
    private static bool FeaturesAreWatched => true;

    private static Tensor Halved(Tensor lengths) => (lengths + 1).div(2, RoundingMode.floor);

    private static Tensor Valid(Tensor lengths, long frames, ScalarType type) => arange(frames, device: lengths.device).unsqueeze(0).lt(lengths.unsqueeze(1)).to(type);

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
