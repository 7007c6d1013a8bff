namespace DistillSharp.Speech.Audio;

/// <summary>Sound of one channel.</summary>
/// <param name="Samples">Samples, full scale −1 to 1.</param>
/// <param name="SampleRate">Samples a second.</param>
public sealed record AudioClip(float[] Samples, int SampleRate)
{
    // A-law has no 0: its silence is ±8 of 32768, or 2.4e-4.
    private const float Silence = 3e-4f;

    /// <summary>Length in seconds.</summary>
    public double Seconds => (double)Samples.Length / SampleRate;

    /// <summary>Share of the samples at full scale: above a thousandth, a recording is clipped.</summary>
    public double ClippedShare => Samples.Length == 0 ? 0 : (double)Samples.Count(sample => Math.Abs(sample) >= 0.999f) / Samples.Length;

    /// <summary>True where nothing is louder than −70 dB of full scale.</summary>
    public bool IsSilent => Samples.All(sample => Math.Abs(sample) < Silence);

    /// <summary>The same sound at another rate.</summary>
    public AudioClip At(int sampleRate) => sampleRate == SampleRate ? this : new AudioClip(Resampler.Resample(Samples, SampleRate, sampleRate), sampleRate);
}
