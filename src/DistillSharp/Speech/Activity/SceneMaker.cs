using DistillSharp.Data;

namespace DistillSharp.Speech.Activity;

/// <summary>A scene of sound and the truth about it.</summary>
/// <param name="Samples">Sound, full scale −1 to 1.</param>
/// <param name="Speech">1 for each chunk in which somebody speaks, else 0.</param>
public sealed record ActivityScene(float[] Samples, int[] Speech);

/// <summary>
/// Scenes of speech among silence, beeps, bursts and noise, whose truth is known since they are put together here: a chunk is speech where a
/// recording was placed and is at most 35 dB below the recording's loudest chunk; pauses of up to three chunks within a recording count as speech.
/// </summary>
/// <param name="recordings">Clean speech at <see cref="ActivityOptions.SampleRate"/>.</param>
/// <param name="chunks">Chunks of a scene.</param>
public sealed class SceneMaker(IReadOnlyList<float[]> recordings, int chunks)
{
    private const int Chunk = ActivityOptions.Chunk;
    private const int Rate = ActivityOptions.SampleRate;
    private const double QuietestSpeech = -35;
    private const int LongestPause = 3;
    private const int MostCuts = 16;

    // Of whole recordings: what is cut out of one may be a pause, whose noise is neither speech nor as loud as speech.
    private readonly (float Peak, double Loudest)[] _levels = [.. recordings.Select(Level)];

    /// <summary>The scene of a key, the same wherever it is made.</summary>
    public ActivityScene Make(ulong key)
    {
        var random = new StableRandom(key);
        var (samples, speech) = (new float[chunks * Chunk], new int[chunks]);
        for (var at = random.Below(Rate); at < samples.Length; at += random.Below(Rate))
        {
            var kind = random.Below(10);
            var number = kind < 5 ? random.Below(recordings.Count) : -1;
            var sound = number >= 0 ? Cut(number, ref random) : kind < 8 ? Beep(ref random) : Burst(ref random);
            var (peak, loudest) = number >= 0 ? _levels[number] : Level(sound);
            var factor = (float)Decibels(-24 + (21 * random.Unit())) / Math.Max(1e-6f, peak);
            Scale(sound, factor);
            if (number >= 0)
            {
                Mark(sound, at, speech, loudest * factor * factor);
            }

            for (var i = 0; i < sound.Length && at + i < samples.Length; i++)
            {
                samples[at + i] += sound[i];
            }

            at += sound.Length;
        }

        AddNoise(samples, ref random);
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = Math.Clamp(samples[i], -1, 1);
        }

        return new ActivityScene(samples, speech);
    }

    // A part of a recording in which somebody speaks: one that falls in a pause is drawn anew, so often that few are left.
    private float[] Cut(int number, ref StableRandom random)
    {
        var whole = recordings[number];
        for (var cut = 1; ; cut++)
        {
            var length = Math.Min(whole.Length, (Rate / 2) + random.Below(5 * Rate / 2));
            var start = random.Below(whole.Length - length + 1);
            var sound = whole[start..(start + length)];
            if (cut == MostCuts || Energies(sound, 0).Max() >= Floor(_levels[number].Loudest))
            {
                return Faded(sound);
            }
        }
    }

    // One tone or two, as telephones make them.
    private static float[] Beep(ref StableRandom random)
    {
        var (first, second) = (300 + (1700 * random.Unit()), random.Below(2) == 0 ? 0 : 300 + (1700 * random.Unit()));
        return Faded([.. Enumerable.Range(0, (Rate / 20) + random.Below(Rate)).Select(i => (float)(Math.Sin(2 * Math.PI * first * i / Rate) + Math.Sin(2 * Math.PI * second * i / Rate)))]);
    }

    // Knocks and rustles: noise of some colour that dies away.
    private static float[] Burst(ref StableRandom random)
    {
        var (length, smoothing, decay) = ((Rate / 50) + random.Below(Rate / 2), 0.9 * random.Unit(), 0.5 + (6 * random.Unit()));
        var burst = Coloured(length, smoothing, ref random);
        for (var i = 0; i < length; i++)
        {
            burst[i] *= (float)Math.Exp(-decay * i / length);
        }

        return Faded(burst);
    }

    private static void AddNoise(float[] samples, ref StableRandom random)
    {
        var (kind, level) = (random.Below(5), Decibels(-65 + (33 * random.Unit())));
        if (kind == 0)
        {
            return;
        }

        var noise = Coloured(samples.Length, kind == 1 ? 0 : 0.5 + (0.48 * random.Unit()), ref random);
        var (mains, depth) = (kind == 3 ? 50 + (10 * random.Below(2)) : 0, kind == 4 ? 0.9 : 0);
        var beat = 0.5 + (8 * random.Unit());
        for (var i = 0; i < noise.Length; i++)
        {
            var hum = mains == 0 ? 0 : Enumerable.Range(1, 5).Sum(harmonic => Math.Sin(2 * Math.PI * mains * harmonic * i / Rate) / harmonic);
            noise[i] = (float)(((mains == 0 ? 1 : 0.3) * noise[i] * (1 - (depth * (0.5 + (0.5 * Math.Sin(2 * Math.PI * beat * i / Rate)))))) + hum);
        }

        var strength = Math.Sqrt(noise.Average(sample => (double)sample * sample));
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] += (float)(noise[i] * level / strength);
        }
    }

    // White noise of deviation 1 through a one-pole low-pass filter.
    private static float[] Coloured(int length, double smoothing, ref StableRandom random)
    {
        var (noise, last) = (new float[length], 0.0);
        for (var i = 0; i < length; i++)
        {
            last = (smoothing * last) + ((1 - smoothing) * Math.Sqrt(12) * (random.Unit() - 0.5));
            noise[i] = (float)last;
        }

        return noise;
    }

    /// <summary>Marks the chunks of a scene in which a sound that begins at a sample is speech.</summary>
    /// <param name="sound">A part of a recording.</param>
    /// <param name="at">The sample of the scene at which it begins.</param>
    /// <param name="speech">The chunks of the scene.</param>
    /// <param name="loudest">Energy of the loudest chunk of the whole recording.</param>
    internal static void Mark(float[] sound, int at, int[] speech, double loudest)
    {
        // In the scene's own chunks, since a recording begins anywhere within one.
        var (first, energies) = (at / Chunk, Energies(sound, at % Chunk));
        var (floor, last) = (Floor(loudest), -1);
        for (var i = 0; i < energies.Length; i++)
        {
            if (energies[i] < floor || energies[i] == 0)
            {
                continue;
            }

            var from = last >= 0 && i - last - 1 <= LongestPause ? last + 1 : i;
            speech.AsSpan(Math.Min(speech.Length, first + from)..Math.Min(speech.Length, first + i + 1)).Fill(1);
            last = i;
        }
    }

    private static (float Peak, double Loudest) Level(float[] sound) => (sound.Max(Math.Abs), Energies(sound, 0).Max());

    private static double Floor(double loudest) => loudest * Math.Pow(10, QuietestSpeech / 10);

    // By chunk, where the sound begins at a sample of the first one.
    private static double[] Energies(float[] sound, int at)
    {
        var energies = new double[(at + sound.Length + Chunk - 1) / Chunk];
        for (var i = 0; i < sound.Length; i++)
        {
            energies[(at + i) / Chunk] += (double)sound[i] * sound[i];
        }

        return energies;
    }

    // 5 ms at either end, so that cutting makes no click.
    private static float[] Faded(float[] sound)
    {
        var length = Math.Min(Rate / 200, sound.Length / 2);
        for (var i = 0; i < length; i++)
        {
            sound[i] *= (float)i / length;
            sound[^(i + 1)] *= (float)i / length;
        }

        return sound;
    }

    private static void Scale(float[] sound, float factor)
    {
        for (var i = 0; i < sound.Length; i++)
        {
            sound[i] *= factor;
        }
    }

    private static double Decibels(double level) => Math.Pow(10, level / 20);
}
