using DistillSharp.Speech.Audio;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech.Audio;

public sealed class LogMelTests
{
    private static AudioClip Clip(int samples, int rate) =>
        new([.. Enumerable.Range(0, samples).Select(i => (float)((0.3 * Math.Sin(2 * Math.PI * 440 * i / rate)) + (0.1 * Math.Sin(i * i * 0.001))))], rate);

    [Theory]
    [InlineData(8000, 40, 2345)]
    [InlineData(16000, 80, 1600)]
    public void Compute_AgainstTorchStftAndPlainMelFormula_Agrees(int rate, int mels, int samples)
    {
        using var scope = NewDisposeScope();
        var (clip, options) = (Clip(samples, rate), new LogMelOptions(rate, mels));
        var padded = nn.functional.pad(tensor(clip.Samples).reshape(1, 1, -1), [options.Transform / 2, options.Transform / 2], PaddingModes.Reflect).reshape(-1);
        var spectrum = stft(padded, options.Transform, options.Hop, options.Window, hann_window(options.Window), center: false, onesided: true, return_complex: true);
        var power = spectrum.abs().square().transpose(0, 1).contiguous();
        var (frames, bins) = ((int)power.shape[0], (int)power.shape[1]);
        var values = power.data<float>().ToArray();
        var features = new LogMel(options).Compute(clip);
        Assert.Equal(frames * mels, features.Length);
        Assert.Equal(frames, new LogMel(options).Frames(samples));
        for (var frame = 0; frame < frames; frame++)
        {
            for (var mel = 0; mel < mels; mel++)
            {
                var energy = 0.0;
                for (var bin = 0; bin < bins; bin++)
                {
                    energy += Triangle(mel, mels, (double)rate * bin / options.Transform, rate) * values[(frame * bins) + bin];
                }

                AssertEnergy(energy, features[(frame * mels) + mel]);
            }
        }
    }

    [Fact]
    public void Compute_OneFrameOfASine_EqualsTheDirectFourierSum()
    {
        var options = new LogMelOptions(8000, 20);
        var clip = Clip(2000, 8000);
        var features = new LogMel(options).Compute(clip);
        // Frame 10 is centred on sample 800; the window of 200 samples lies in the middle of 256.
        var energies = new double[20];
        for (var bin = 0; bin <= 128; bin++)
        {
            var (real, imaginary) = (0.0, 0.0);
            for (var i = 0; i < 200; i++)
            {
                var value = clip.Samples[800 - 100 + i] * (0.5 - (0.5 * Math.Cos(2 * Math.PI * i / 200)));
                real += value * Math.Cos(2 * Math.PI * bin * i / 256);
                imaginary -= value * Math.Sin(2 * Math.PI * bin * i / 256);
            }

            for (var mel = 0; mel < 20; mel++)
            {
                energies[mel] += Triangle(mel, 20, 8000.0 * bin / 256, 8000) * ((real * real) + (imaginary * imaginary));
            }
        }

        for (var mel = 0; mel < 20; mel++)
        {
            AssertEnergy(energies[mel], features[(10 * 20) + mel]);
        }
    }

    [Fact]
    public void Compute_Silence_IsTheFloorAndFinite() => Assert.All(new LogMel(new LogMelOptions(8000, 10)).Compute(new AudioClip(new float[800], 8000)), value => Assert.Equal(MathF.Log(1e-10f), value));

    [Fact]
    public void Compute_ClipShorterThanTheWindow_IsMirrored() => Assert.All(new LogMel(new LogMelOptions(8000, 10)).Compute(new AudioClip([0.5f, 0.2f, 0.1f], 8000)), value => Assert.True(float.IsFinite(value)));

    [Fact]
    public void Compute_OtherRate_IsRefused() => Assert.Throws<ArgumentException>(() => new LogMel(new LogMelOptions(8000, 10)).Compute(new AudioClip([0.5f], 16000)));

    [Theory]
    [InlineData(8000, 16000)]
    [InlineData(22050, 8000)]
    [InlineData(16000, 8000)]
    public void Resample_Sine_IsTheSineAtTheOtherRate(int from, int to)
    {
        var input = Enumerable.Range(0, from / 10).Select(i => (float)Math.Sin(2 * Math.PI * 500 * i / from)).ToArray();
        var output = Resampler.Resample(input, from, to);
        Assert.Equal((int)Math.Ceiling((double)input.Length * to / from), output.Length);
        for (var i = 100; i < output.Length - 100; i++)
        {
            Assert.Equal(Math.Sin(2 * Math.PI * 500 * i / to), output[i], 0.01);
        }
    }

    [Fact]
    public void Resample_ToneAboveTheNewLimit_IsGone()
    {
        var input = Enumerable.Range(0, 4000).Select(i => (float)Math.Sin(2 * Math.PI * 6000 * i / 16000)).ToArray();
        Assert.All(Resampler.Resample(input, 16000, 8000)[100..^100], value => Assert.True(Math.Abs(value) < 0.02));
    }

    // Single precision of the transform: a ten-millionth of the loudest energies.
    private static void AssertEnergy(double expected, float feature) => Assert.Equal(Math.Max(1e-10, expected), Math.Exp(feature), (1e-4 * expected) + 1e-8);

    private static double Triangle(int mel, int mels, double frequency, int rate)
    {
        double Edge(int i) => 700 * (Math.Pow(10, 2595 * Math.Log10(1 + (rate / 2.0 / 700)) * i / (mels + 1) / 2595) - 1);
        var (low, middle, high) = (Edge(mel), Edge(mel + 1), Edge(mel + 2));
        return frequency <= low || frequency >= high ? 0 : frequency <= middle ? (frequency - low) / (middle - low) : (high - frequency) / (high - middle);
    }
}
