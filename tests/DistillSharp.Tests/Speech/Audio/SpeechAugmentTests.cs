using DistillSharp.Speech.Audio;

namespace DistillSharp.Tests.Speech.Audio;

public sealed class SpeechAugmentTests
{
    private static readonly AudioClip Tone = new([.. Enumerable.Range(0, 8000).Select(i => (float)(0.3 * Math.Sin(2 * Math.PI * 400 * i / 8000)))], 8000);

    [Fact]
    public void Speed_Faster_IsShorterAndHigher()
    {
        var fast = SpeechAugment.Speed(Tone, 1.25);
        Assert.Equal(6400, fast.Samples.Length);
        Assert.Equal(0.3 * Math.Sin(2 * Math.PI * 500 * 3001 / 8000), fast.Samples[3001], 0.01);
    }

    [Fact]
    public void AddNoise_RatioInDecibels_IsMet()
    {
        var noisy = SpeechAugment.AddNoise(Tone, 20, 7);
        var noise = noisy.Samples.Zip(Tone.Samples, (a, b) => Math.Pow(a - b, 2)).Sum();
        Assert.Equal(20, 10 * Math.Log10(Tone.Samples.Sum(value => (double)value * value) / noise), 0.3);
    }

    [Fact]
    public void Reverberate_Impulse_HasAFallingTail()
    {
        var impulse = new float[8000];
        impulse[0] = 1;
        var tail = SpeechAugment.Reverberate(new AudioClip(impulse, 8000), 0.6, 3).Samples;
        Assert.Equal(1, tail[0]);
        double Energy(int from, int to) => tail[from..to].Sum(value => (double)value * value);
        Assert.InRange(Energy(1, 1601), 0.05, 0.8);
        Assert.True(Energy(1, 400) > 3 * Energy(1200, 1600));
        Assert.Equal(0, Energy(1601, 8000));
    }

    [Fact]
    public void Sound_SameKey_IsTheSameSound()
    {
        var options = new SpeechAugmentOptions { Speed = 0.1, Noise = 10, Reverberation = 0.2 };
        Assert.Equal(SpeechAugment.Sound(Tone, options, 5).Samples, SpeechAugment.Sound(Tone, options, 5).Samples);
        Assert.NotEqual(SpeechAugment.Sound(Tone, options, 5).Samples, SpeechAugment.Sound(Tone, options, 6).Samples);
    }

    [Fact]
    public void Mask_BandsAndStretches_BecomeTheMeanOfTheirBand()
    {
        const int mels = 10;
        var options = new SpeechAugmentOptions { FrequencyMasks = 1, FrequencyWidth = 4, TimeMasks = 2, TimeWidth = 6 };
        var masked = 0;
        for (ulong key = 0; key < 50; key++)
        {
            var before = Enumerable.Range(0, 40 * mels).Select(i => (float)((i % mels) + (i % 7))).ToArray();
            var means = Enumerable.Range(0, mels).Select(mel => Enumerable.Range(0, 40).Average(frame => before[(frame * mels) + mel])).ToArray();
            var after = (float[])before.Clone();
            SpeechAugment.Mask(after, mels, options, key);
            var changed = Enumerable.Range(0, after.Length).Where(i => after[i] != before[i]).ToList();
            Assert.All(changed, i => Assert.Equal(means[i % mels], after[i], 1e-3));
            var frames = changed.GroupBy(i => i / mels).Count(group => group.Count() > 6);
            Assert.InRange(frames, 0, 12);
            masked += changed.Count;
        }

        Assert.InRange(masked, 1000, 12000);
    }

    [Theory]
    [InlineData(0.0, 101, 101)]
    [InlineData(0.1, 101, 91)]
    [InlineData(0.5, 101, 67)]
    public void FewestFrames_Speed_AreThoseOfTheFastestPlay(double speed, int frames, int fewest)
    {
        var (options, features) = (new SpeechAugmentOptions { Speed = speed }, new LogMel(new LogMelOptions(8000, 10)));
        Assert.Equal(frames, features.Frames(Tone.Samples.Length));
        Assert.Equal(fewest, SpeechAugment.FewestFrames(frames, options));
        Assert.All(Enumerable.Range(0, 50), key => Assert.True(features.Frames(SpeechAugment.Sound(Tone, options, (ulong)key).Samples.Length) >= fewest));
    }

    [Fact]
    public void IsNone_Defaults_ChangeNothing() => Assert.True(new SpeechAugmentOptions().IsNone);
}
