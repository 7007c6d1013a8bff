using System.Numerics;

namespace DistillSharp.Speech.Audio;

/// <summary>How log-mel features are computed.</summary>
/// <param name="SampleRate">Samples a second of the sound.</param>
/// <param name="Mels">Number of mel bands.</param>
public sealed record LogMelOptions(int SampleRate, int Mels)
{
    /// <summary>Samples of the Hann window: 25 ms.</summary>
    public int Window => SampleRate / 40;

    /// <summary>Samples between frames: 10 ms.</summary>
    public int Hop => SampleRate / 100;

    /// <summary>Length of the Fourier transform: the power of 2 at or above the window.</summary>
    public int Transform => (int)BitOperations.RoundUpToPowerOf2((uint)Window);
}

/// <summary>
/// Logarithm of mel energies: torchaudio's <c>MelSpectrogram(sample_rate, n_fft, win_length, hop_length, n_mels)</c> with its defaults
/// (periodic Hann window in the middle of the transform, frames centred with reflected ends, power 2, HTK mel scale from 0 to half the
/// rate, bands of height 1), then ln(max(x, 10⁻¹⁰)).
/// </summary>
public sealed class LogMel
{
    private const float Floor = 1e-10f;

    private readonly float[] _window;
    private readonly (int First, float[] Weights)[] _bands;
    private readonly Complex32[] _roots;

    /// <summary>Prepares window and bands.</summary>
    /// <exception cref="ArgumentException">Rate or bands are out of range.</exception>
    public LogMel(LogMelOptions options)
    {
        if (options.SampleRate is < 1000 or > 192_000 || options.Mels is < 1 or > 512)
        {
            throw new ArgumentException($"log-mel features need 1000 to 192000 samples a second and 1 to 512 bands, not {options.SampleRate} and {options.Mels}");
        }

        Options = options;
        var start = (options.Transform - options.Window) / 2;
        _window = new float[options.Transform];
        for (var i = 0; i < options.Window; i++)
        {
            _window[start + i] = (float)(0.5 - (0.5 * Math.Cos(2 * Math.PI * i / options.Window)));
        }

        _bands = [.. Bands(options.SampleRate, (options.Transform / 2) + 1, options.Mels).Select(Trimmed)];
        _roots = [.. Enumerable.Range(0, options.Transform / 2).Select(i => new Complex32((float)Math.Cos(2 * Math.PI * i / options.Transform), (float)-Math.Sin(2 * Math.PI * i / options.Transform)))];
    }

    /// <summary>Rate, bands, window.</summary>
    public LogMelOptions Options { get; }

    /// <summary>Frames of so many samples.</summary>
    public int Frames(int samples) => samples == 0 ? 0 : 1 + (samples / Options.Hop);

    /// <summary>Features of a sound, frame after frame: [frames × mels].</summary>
    /// <exception cref="ArgumentException">It has no samples, or another rate.</exception>
    public float[] Compute(AudioClip clip)
    {
        if (clip.SampleRate != Options.SampleRate || clip.Samples.Length == 0)
        {
            throw new ArgumentException($"log-mel features of {Options.SampleRate} Hz need sound of that rate with at least one sample, not {clip.Samples.Length} at {clip.SampleRate} Hz");
        }

        var frames = Frames(clip.Samples.Length);
        var features = new float[frames * Options.Mels];
        var (buffer, power) = (new Complex32[Options.Transform], new float[(Options.Transform / 2) + 1]);
        for (var frame = 0; frame < frames; frame++)
        {
            Spectrum(clip.Samples, (frame * Options.Hop) - (Options.Transform / 2), buffer, power);
            for (var mel = 0; mel < Options.Mels; mel++)
            {
                var (first, weights) = _bands[mel];
                features[(frame * Options.Mels) + mel] = MathF.Log(MathF.Max(Floor, System.Numerics.Tensors.TensorPrimitives.Dot<float>(weights, power.AsSpan(first, weights.Length))));
            }
        }

        return features;
    }

    private void Spectrum(float[] samples, int start, Complex32[] buffer, float[] power)
    {
        var bits = BitOperations.Log2((uint)buffer.Length);
        for (var i = 0; i < buffer.Length; i++)
        {
            var value = _window[i] == 0 ? 0 : _window[i] * samples[Reflect(start + i, samples.Length)];
            buffer[Reverse(i, bits)] = new Complex32(value, 0);
        }

        Transform(buffer);
        for (var i = 0; i < power.Length; i++)
        {
            power[i] = (buffer[i].Real * buffer[i].Real) + (buffer[i].Imaginary * buffer[i].Imaginary);
        }
    }

    // Cooley and Tukey, in place, of values in bit-reversed order.
    private void Transform(Complex32[] values)
    {
        for (var half = 1; half < values.Length; half *= 2)
        {
            var stride = values.Length / (2 * half);
            for (var block = 0; block < values.Length; block += 2 * half)
            {
                for (var i = 0; i < half; i++)
                {
                    var odd = values[block + half + i] * _roots[i * stride];
                    var even = values[block + i];
                    (values[block + i], values[block + half + i]) = (even + odd, even - odd);
                }
            }
        }
    }

    private static int Reverse(int value, int bits)
    {
        var reversed = 0;
        for (var bit = 0; bit < bits; bit++)
        {
            reversed = (reversed << 1) | ((value >> bit) & 1);
        }

        return reversed;
    }

    // Ends are mirrored without repeating them; clips shorter than the window are mirrored again and again.
    private static int Reflect(int index, int length)
    {
        if (length == 1)
        {
            return 0;
        }

        var period = 2 * (length - 1);
        var within = ((index % period) + period) % period;
        return within < length ? within : period - within;
    }

    /// <summary>Weight of every frequency bin in each band: HTK mel scale from 0 to half the rate, bands of height 1.</summary>
    /// <param name="sampleRate">Samples a second.</param>
    /// <param name="bins">Bins from 0 to half the rate.</param>
    /// <param name="mels">Number of bands.</param>
    internal static float[][] Bands(int sampleRate, int bins, int mels)
    {
        var top = Mel(sampleRate / 2);
        double Edge(int i) => 700 * (Math.Pow(10, top * i / (mels + 1) / 2595) - 1);
        return [.. Enumerable.Range(0, mels).Select(mel => Enumerable.Range(0, bins)
            .Select(bin => (double)(sampleRate / 2) * bin / (bins - 1))
            .Select(frequency => (float)Math.Max(0, Math.Min((frequency - Edge(mel)) / (Edge(mel + 1) - Edge(mel)), (Edge(mel + 2) - frequency) / (Edge(mel + 2) - Edge(mel + 1)))))
            .ToArray())];
    }

    // Without the zeros on either side.
    private static (int First, float[] Weights) Trimmed(float[] weights)
    {
        var first = Array.FindIndex(weights, weight => weight > 0);
        return first < 0 ? (0, []) : (first, weights[first..(Array.FindLastIndex(weights, weight => weight > 0) + 1)]);
    }

    private static double Mel(double frequency) => 2595 * Math.Log10(1 + (frequency / 700));

    private readonly record struct Complex32(float Real, float Imaginary)
    {
        public static Complex32 operator +(Complex32 left, Complex32 right) => new(left.Real + right.Real, left.Imaginary + right.Imaginary);

        public static Complex32 operator -(Complex32 left, Complex32 right) => new(left.Real - right.Real, left.Imaginary - right.Imaginary);

        public static Complex32 operator *(Complex32 left, Complex32 right) =>
            new((left.Real * right.Real) - (left.Imaginary * right.Imaginary), (left.Real * right.Imaginary) + (left.Imaginary * right.Real));
    }
}
