namespace DistillSharp.Speech.Audio;

/// <summary>Sound of one channel.</summary>
/// <param name="Samples">Samples, full scale −1 to 1.</param>
/// <param name="SampleRate">Samples a second.</param>
public sealed record AudioClip(float[] Samples, int SampleRate)
{
    /// <summary>Length in seconds.</summary>
    public double Seconds => (double)Samples.Length / SampleRate;

    /// <summary>Share of the samples at full scale: above a thousandth, a recording is clipped.</summary>
    public double ClippedShare => Samples.Length == 0 ? 0 : (double)Samples.Count(sample => Math.Abs(sample) >= 0.999f) / Samples.Length;

    /// <summary>True where nothing is louder than −80 dB of full scale.</summary>
    public bool IsSilent => Samples.All(sample => Math.Abs(sample) < 1e-4f);

    /// <summary>The same sound at another rate.</summary>
    public AudioClip At(int sampleRate) => sampleRate == SampleRate ? this : new AudioClip(Resampler.Resample(Samples, SampleRate, sampleRate), sampleRate);
}
