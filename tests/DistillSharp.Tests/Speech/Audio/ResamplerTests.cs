using DistillSharp.Speech.Audio;

namespace DistillSharp.Tests.Speech.Audio;

public sealed class ResamplerTests
{
    [Theory]
    [InlineData(3, 2)]
    [InlineData(90, 100)]
    [InlineData(44100, 8000)]
    [InlineData(8000, 44100)]
    // Too many places between two samples for a table.
    [InlineData(48000, 7999)]
    public void Resample_AgainstTheSumOverAllSamples_Agrees(int from, int to)
    {
        var samples = Enumerable.Range(0, 700).Select(i => (float)(Math.Sin(i) + (0.3 * Math.Sin(i * i * 0.01)))).ToArray();
        var output = Resampler.Resample(samples, from, to);
        var low = Math.Min(from, to) * 0.99;
        for (var i = 0; i < output.Length; i++)
        {
            var sum = 0.0;
            for (var n = 0; n < samples.Length; n++)
            {
                var crossings = (((double)n / from) - ((double)i / to)) * low;
                if (Math.Abs(crossings) < 6)
                {
                    var sinc = crossings == 0 ? 1 : Math.Sin(Math.PI * crossings) / (Math.PI * crossings);
                    sum += samples[n] * sinc * Math.Pow(Math.Cos(Math.PI * crossings / 12), 2) * low / from;
                }
            }

            Assert.Equal(sum, output[i], 1e-6);
        }
    }

    [Fact]
    public void Resample_SamplesTimesRateAboveAnInt_KeepsLengthAndSound()
    {
        var output = Resampler.Resample(Enumerable.Range(0, 3000).Select(i => (float)Math.Sin(i * 0.01)).ToArray(), 999_999, 1_000_000);
        Assert.Equal(3001, output.Length);
        Assert.All(Enumerable.Range(100, 2800), i => Assert.Equal(Math.Sin(i * 0.00999999), output[i], 0.01));
    }

    [Fact]
    public void Resample_ManyPairsOfRates_GivesTheSameAgain()
    {
        float[] samples = [0.1f, 0.5f, -0.3f, 0.2f, 0.9f, -0.7f];
        var first = Resampler.Resample(samples, 151, 100);
        foreach (var percent in Enumerable.Range(1, 150))
        {
            Assert.Equal((600 + percent - 1) / percent, Resampler.Resample(samples, percent, 100).Length);
        }

        Assert.Equal(first, Resampler.Resample(samples, 151, 100));
    }
}
