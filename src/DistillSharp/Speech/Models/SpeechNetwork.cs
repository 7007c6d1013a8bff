using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of every network that reads speech.</summary>
public abstract record SpeechModelOptions : ICheckedOptions
{
    /// <summary>Input frames an output frame.</summary>
    [Option("input frames of 10 ms an output frame: 2 or 4", Min = 2, Max = 4)]
    public int Subsampling { get; init; } = 4;

    /// <summary>Channels of the convolutions.</summary>
    [Option("channels of the convolutions in front", Min = 1, Max = 4096)]
    public int Channels { get; init; } = 128;

    /// <summary>Dropout after every layer.</summary>
    [Option("share of a layer's outputs that are dropped in training", Min = 0, Max = 0.9)]
    public double Dropout { get; init; } = 0.1;

    /// <inheritdoc/>
    public virtual void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Subsampling == 3)
        {
            errors.Add(node.PathOf("subsampling"), "must be 2 or 4: each convolution halves the frames", node.Line);
        }
    }
}

/// <summary>
/// A network that reads log-mel features: normalisation by the training split's mean and deviation, and convolutions that halve the frames.
/// What stands behind an utterance's length is never read.
/// </summary>
public abstract class SpeechNetwork : Network
{
    private readonly List<Conv1d> _convolutions = [];
    private readonly Tensor _mean;
    private readonly Tensor _deviation;

    /// <summary>Builds what all of them begin with.</summary>
    /// <exception cref="ArgumentException">The dataset is no speech.</exception>
    private protected SpeechNetwork(string name, SpeechModelOptions options, DatasetInfo data)
        : base(name)
    {
        Sound = data.Ctc ?? throw new ArgumentException($"{name} needs speech with transcripts, such as speech_manifest; {data.Name} is none");
        Subsampling = options.Subsampling;
        // Copies: the buffers belong to the network, and are loaded with its weights.
        (_mean, _deviation) = (tensor(Sound.Mean), tensor(Sound.Deviation));
        register_buffer("mean", _mean);
        register_buffer("deviation", _deviation);
        long channels = Sound.Mean.Length;
        for (var i = 0; i < (Subsampling == 4 ? 2 : 1); i++)
        {
            _convolutions.Add(nn.Conv1d(channels, options.Channels, 3, stride: 2, padding: 1));
            register_module($"convolution{i + 1}", _convolutions[^1]);
            channels = options.Channels;
        }
    }

    /// <summary>Input frames of an output frame.</summary>
    public int Subsampling { get; }

    /// <summary>What it was built for.</summary>
    internal CtcInfo Sound { get; }

    /// <summary>Output frames of so many input frames.</summary>
    public int OutputFrames(int frames) => _convolutions.Aggregate(frames, (length, _) => (length + 1) / 2);

    /// <summary>Frames [N, T′, channels] of features [N, T, mels], and their lengths.</summary>
    private protected (Tensor Frames, Tensor Lengths) Subsample(Tensor features, Tensor lengths)
    {
        // Asked for by name: a network that is moved has other tensors.
        var hidden = (features - get_buffer("mean")!) / get_buffer("deviation")!;
        foreach (var convolution in _convolutions)
        {
            // Zeros behind the end are what the convolution's own padding would be.
            hidden = Convolve(convolution, hidden * Valid(lengths, hidden.shape[1], hidden.dtype).unsqueeze(2)).relu();
            lengths = Halved(lengths);
        }

        return (hidden, lengths);
    }

    // Frames [N, T′, channels] of [N, T, channels], three neighbours a product. Not the convolution itself: where its channels are no multiple of a
    // register's lanes (40 bands of 16), oneDNN reads memory that nobody wrote, and a NaN that lies there is in the output.
    private static Tensor Convolve(Conv1d convolution, Tensor frames)
    {
        var neighbours = nn.functional.pad(frames, [0, 0, 1, 1]).unfold(1, 3, 2);
        return nn.functional.linear(neighbours.flatten(2), convolution.weight!.flatten(1), convolution.bias);
    }

    /// <summary>1 at the valid output frames [N, T′] of a batch.</summary>
    private protected Tensor FrameMask(Batch batch) => Valid(
        _convolutions.Aggregate(batch.Lengths[Batch.DefaultInput], (lengths, _) => Halved(lengths)), OutputFrames((int)batch.Input.shape[1]), ScalarType.Float32);

    /// <summary>1 where a frame is within its utterance: [N, frames].</summary>
    private protected static Tensor Valid(Tensor lengths, long frames, ScalarType type) => arange(frames, device: lengths.device).unsqueeze(0).lt(lengths.unsqueeze(1)).to(type);

    private static Tensor Halved(Tensor lengths) => (lengths + 1).div(2, RoundingMode.floor);
}
