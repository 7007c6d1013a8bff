using System.Collections.Concurrent;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;

namespace DistillSharp.Speech.Recognition;

/// <summary>Log-mel features of utterances; those of unchanged sound are kept as long as there is room.</summary>
/// <param name="options">Rate, bands, room.</param>
internal sealed class FeatureCache(SpeechOptions options)
{
    private readonly ConcurrentDictionary<string, float[]> _kept = new();
    private readonly LogMel _features = new(new LogMelOptions(options.SampleRate, options.Mels));
    private long _room = options.CacheMegabytes * 1_000_000L / sizeof(float);

    /// <summary>Mel bands.</summary>
    public int Mels => options.Mels;

    /// <summary>Features of an utterance: [frames × mels].</summary>
    /// <param name="utterance">The utterance.</param>
    /// <param name="augment">Random changes; null for none.</param>
    /// <param name="key">Which random changes.</param>
    /// <exception cref="InvalidDataException">Its file cannot be read.</exception>
    public float[] Of(SpeechUtterance utterance, SpeechAugmentOptions? augment = null, ulong key = 0)
    {
        if (augment is { ChangesSound: true })
        {
            return Masked(_features.Compute(SpeechAugment.Sound(Read(utterance), augment, key)), augment, key);
        }

        if (!_kept.TryGetValue(utterance.Path, out var features))
        {
            features = _features.Compute(Read(utterance));
            if (Interlocked.Add(ref _room, -features.Length) >= 0)
            {
                _kept[utterance.Path] = features;
            }
        }

        return augment is null ? features : Masked([.. features], augment, key);
    }

    /// <summary>Frames that an utterance has without changes; its file is opened only where its duration is not known.</summary>
    public int Frames(SpeechUtterance utterance) => utterance.Duration > 0
        ? _features.Frames((int)Math.Round(utterance.Duration * options.SampleRate))
        : Of(utterance).Length / options.Mels;

    /// <summary>Frames that an utterance has at least with the random changes of training, which may play it faster.</summary>
    public int FewestFrames(SpeechUtterance utterance) => SpeechAugment.FewestFrames(Frames(utterance), options.SpeechAugment);

    /// <summary>Mean and deviation of every band over up to 200 utterances.</summary>
    public (float[] Mean, float[] Deviation) Statistics(IReadOnlyList<SpeechUtterance> utterances)
    {
        var (sum, squares, count) = (new double[options.Mels], new double[options.Mels], 0L);
        var step = Math.Max(1, utterances.Count / 200);
        for (var i = 0; i < utterances.Count; i += step)
        {
            var features = Of(utterances[i]);
            for (var j = 0; j < features.Length; j++)
            {
                sum[j % options.Mels] += features[j];
                squares[j % options.Mels] += (double)features[j] * features[j];
            }

            count += features.Length / options.Mels;
        }

        var mean = Array.ConvertAll(sum, value => value / count);
        return (Array.ConvertAll(mean, value => (float)value), [.. mean.Select((value, i) => (float)Math.Max(0.1, Math.Sqrt(Math.Max(0, (squares[i] / count) - (value * value)))))]);
    }

    private AudioClip Read(SpeechUtterance utterance) => AudioReader.Read(utterance.Path, options.SampleRate);

    private float[] Masked(float[] features, SpeechAugmentOptions augment, ulong key)
    {
        SpeechAugment.Mask(features, options.Mels, augment, key);
        return features;
    }
}
