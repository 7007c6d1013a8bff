using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Speech.Activity;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Models;

/// <summary>Options of <c>activity_gru</c>.</summary>
public sealed record ActivityGruOptions
{
    /// <summary>Mel bands.</summary>
    [Option("bands of the log-mel features that the network computes itself", Min = 4, Max = 64)]
    public int Mels { get; init; } = 24;

    /// <summary>Channels of the convolution.</summary>
    [Option("channels of the convolution in front", Min = 1, Max = 1024)]
    public int Channels { get; init; } = 32;

    /// <summary>Units of the recurrent layer.</summary>
    [Option("units of the recurrent layer", Min = 1, Max = 1024)]
    public int Width { get; init; } = 32;
}

/// <summary>
/// Sound to speech or none, a decision every 32 ms: log-mel features, a convolution, a recurrent layer. It follows sound as it comes: a
/// decision knows the chunk and what was before, nothing after.
/// </summary>
public sealed class ActivityGru : Network
{
    /// <summary>Samples before a chunk that are read with it: the chunk before.</summary>
    public const int Context = ActivityOptions.Chunk;

    private readonly MelFrames _features;
    private readonly BatchNorm1d norm;
    private readonly Conv1d convolution;
    private readonly GRU recurrent;
    private readonly Linear classifier;

    /// <summary>Builds it for a dataset of scenes.</summary>
    /// <exception cref="ArgumentException">The dataset is none.</exception>
    public ActivityGru(ActivityGruOptions options, DatasetInfo data)
        : base("activity_gru")
    {
        if (data.InputShape.Count != 1 || data.InputShape[0] % ActivityOptions.Chunk != 0 || !data.HasEqualLengths)
        {
            throw new ArgumentException($"activity_gru needs scenes of sound, such as voice_activity; {data.Name} is none");
        }

        Options = options;
        if (options.Mels % 16 != 0 || options.Channels % 16 != 0)
        {
            // As MemoryFormats does for networks of images.
            TorchRuntime.ConvolveAsProducts();
        }

        _features = new MelFrames(options.Mels);
        norm = nn.BatchNorm1d(options.Mels);
        convolution = nn.Conv1d(options.Mels, options.Channels, 3, stride: 2);
        recurrent = nn.GRU(options.Channels, options.Width, batchFirst: true);
        classifier = nn.Linear(options.Width, data.Classes.Count);
        RegisterComponents();
    }

    /// <summary>How it was built.</summary>
    public ActivityGruOptions Options { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeaturePoint> FeaturePoints { get; } = [new("layer1", "convolution"), new("logits", "classifier")];

    /// <inheritdoc/>
    public override string? ClassifierPath => "classifier";

    /// <summary>The fixed part in front.</summary>
    internal MelFrames Features => _features;

    /// <summary>Logits [N, chunks, 2] of sound [N, samples].</summary>
    public override Tensor Logits(Batch batch)
    {
        var sound = nn.functional.pad(batch.Input, [Context, 0]);
        var hidden = convolution.call(norm.call(_features.Of(sound))).relu();
        var (output, _) = recurrent.call(hidden.transpose(1, 2));
        return classifier.call(output);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _features.Dispose();
        }

        base.Dispose(disposing);
    }
}
