using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Speech.Audio;

/// <summary>Random changes of training utterances.</summary>
public sealed record SpeechAugmentOptions
{
    /// <summary>Largest change of speed: 0.1 for 0.9 to 1.1 times.</summary>
    [Option("largest change of speed and pitch together: 0.1 plays 0.9 to 1.1 times as fast", Min = 0, Max = 0.5)]
    public double Speed { get; init; }

    /// <summary>Quietest white noise, as signal-to-noise ratio in decibels; 0 for none.</summary>
    [Option("lowest signal-to-noise ratio of added white noise in decibels, drawn up to 30 above it; 0 for none", Min = 0, Max = 80)]
    public double Noise { get; init; }

    /// <summary>Longest reverberation time in seconds; 0 for none.</summary>
    [Option("longest time in seconds in which an echo falls by 60 decibels; 0 for none", Min = 0, Max = 2)]
    public double Reverberation { get; init; }

    /// <summary>Bands of frequencies that are masked.</summary>
    [Option("SpecAugment: masked bands of frequencies an utterance", Min = 0, Max = 16)]
    public int FrequencyMasks { get; init; }

    /// <summary>Widest masked band, in mel bands.</summary>
    [Option("SpecAugment: widest masked band in mel bands", Min = 0, Max = 128)]
    public int FrequencyWidth { get; init; } = 8;

    /// <summary>Stretches of time that are masked.</summary>
    [Option("SpecAugment: masked stretches of time an utterance", Min = 0, Max = 64)]
    public int TimeMasks { get; init; }

    /// <summary>Longest masked stretch, in frames, and no more than a fifth of the utterance.</summary>
    [Option("SpecAugment: longest masked stretch in frames of 10 ms, at most a fifth of the utterance", Min = 0, Max = 1000)]
    public int TimeWidth { get; init; } = 20;

    /// <summary>True where the sound itself is changed.</summary>
    internal bool ChangesSound => Speed > 0 || Noise > 0 || Reverberation > 0;

    /// <summary>True where nothing is changed.</summary>
    internal bool IsNone => !ChangesSound && (FrequencyMasks == 0 || FrequencyWidth == 0) && (TimeMasks == 0 || TimeWidth == 0);
}

/// <summary>Random changes of sound and features; the key says which, so that an utterance can be changed the same way again.</summary>
public static class SpeechAugment
{
    private const double NoiseRange = 30;

    /// <summary>Changes speed, adds an echo, then noise.</summary>
    public static AudioClip Sound(AudioClip clip, SpeechAugmentOptions options, ulong key)
    {
        var random = new StableRandom(StableRandom.Key(key, 1));
        if (options.Speed > 0)
        {
            clip = Speed(clip, 1 + (options.Speed * ((2 * random.Unit()) - 1)));
        }

        if (options.Reverberation > 0)
        {
            clip = Reverberate(clip, options.Reverberation * random.Unit(), random.Next());
        }

        return options.Noise > 0 ? AddNoise(clip, options.Noise + (NoiseRange * random.Unit()), random.Next()) : clip;
    }

    /// <summary>The clip played so many times as fast: shorter and higher above 1.</summary>
    public static AudioClip Speed(AudioClip clip, double factor) => clip with { Samples = Resampler.Resample(clip.Samples, Percent(factor), 100) };

    /// <summary>Adds white noise so that the signal's energy is so many decibels above the noise's.</summary>
    public static AudioClip AddNoise(AudioClip clip, double decibels, ulong key)
    {
        var random = new StableRandom(key);
        var energy = clip.Samples.Average(sample => (double)sample * sample);
        var deviation = Math.Sqrt(energy / Math.Pow(10, decibels / 10));
        return clip with { Samples = Array.ConvertAll(clip.Samples, sample => (float)(sample + (deviation * Normal(ref random)))) };
    }

    /// <summary>Adds an echo of exponentially falling noise, after Polack's model of a room, of a fifth of the direct sound's energy; the length stays.</summary>
    public static AudioClip Reverberate(AudioClip clip, double seconds, ulong key)
    {
        var length = (int)(seconds * clip.SampleRate / 3);
        if (length < 1)
        {
            return clip;
        }

        var random = new StableRandom(key);
        // −60 dB after `seconds`: amplitudes fall by 10⁻³.
        var tail = new double[length];
        for (var i = 0; i < length; i++)
        {
            tail[i] = Normal(ref random) * Math.Pow(10, -3.0 * (i + 1) / (seconds * clip.SampleRate));
        }

        var scale = Math.Sqrt(0.2 / tail.Sum(value => value * value));
        var output = (float[])clip.Samples.Clone();
        // A random tenth of the echo's taps sounds alike and costs a tenth.
        for (var i = 0; i < length; i += 1 + random.Below(19))
        {
            var (weight, delay) = ((float)(tail[i] * scale * Math.Sqrt(10)), i + 1);
            for (var t = delay; t < output.Length; t++)
            {
                output[t] += weight * clip.Samples[t - delay];
            }
        }

        return clip with { Samples = output };
    }

    /// <summary>
    /// Masks bands and stretches with each band's mean over the utterance, in place (Park et al.: SpecAugment, Interspeech 2019, without time warping).
    /// </summary>
    /// <param name="features">[frames × mels].</param>
    /// <param name="mels">Mel bands.</param>
    /// <param name="options">How many, how wide.</param>
    /// <param name="key">Which.</param>
    public static void Mask(Span<float> features, int mels, SpeechAugmentOptions options, ulong key)
    {
        var random = new StableRandom(StableRandom.Key(key, 2));
        var frames = features.Length / mels;
        var means = new float[mels];
        for (var i = 0; i < features.Length; i++)
        {
            means[i % mels] += features[i] / frames;
        }

        for (var mask = 0; mask < options.FrequencyMasks; mask++)
        {
            var width = random.Below(Math.Min(options.FrequencyWidth, mels) + 1);
            var first = random.Below(mels - width + 1);
            Fill(features, mels, means, 0, frames, first, first + width);
        }

        for (var mask = 0; mask < options.TimeMasks; mask++)
        {
            var width = random.Below(Math.Min(options.TimeWidth, frames / 5) + 1);
            var first = random.Below(frames - width + 1);
            Fill(features, mels, means, first, first + width, 0, mels);
        }
    }

    /// <summary>The frames that so many have at least when they are played at the fastest.</summary>
    internal static int FewestFrames(int frames, SpeechAugmentOptions options) => 100 * frames / Percent(1 + options.Speed);

    // Whole percents keep the number of kernels of the resampler small.
    private static int Percent(double factor) => (int)Math.Round(100 * factor);

    private static void Fill(Span<float> features, int mels, float[] means, int firstFrame, int lastFrame, int firstMel, int lastMel)
    {
        for (var frame = firstFrame; frame < lastFrame; frame++)
        {
            means.AsSpan(firstMel..lastMel).CopyTo(features[((frame * mels) + firstMel)..]);
        }
    }

    private static double Normal(ref StableRandom random) => Math.Sqrt(-2 * Math.Log(1 - random.Unit())) * Math.Cos(2 * Math.PI * random.Unit());
}
