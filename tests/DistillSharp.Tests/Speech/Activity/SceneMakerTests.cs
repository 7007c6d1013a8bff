using DistillSharp.Speech.Activity;

namespace DistillSharp.Tests.Speech.Activity;

/// <summary>Scenes of sound and the truth about them.</summary>
public sealed class SceneMakerTests
{
    private const int Chunk = ActivityOptions.Chunk;

    [Theory]
    [InlineData(0, "11111110000010")]
    [InlineData(Chunk / 2, "11111111000011")]
    [InlineData(9 * Chunk, "00000000011111")]
    public void Mark_ShortPauseAndLongPause_IsSpeechInTheShortOneAlone(int at, string expected)
    {
        // Chunks: three loud, two 50 dB quieter, two loud, five 50 dB quieter, one loud.
        var sound = "1110011000001".SelectMany(loud => Enumerable.Repeat(loud == '1' ? 0.5f : 0.5f / 316, Chunk)).ToArray();
        var speech = new int[14];

        SceneMaker.Mark(sound, at, speech, 0.25 * Chunk);

        Assert.Equal(expected, string.Concat(speech));
    }

    [Fact]
    public void Mark_PauseOfALouderRecording_IsNoSpeech()
    {
        var speech = new int[4];

        SceneMaker.Mark([.. Enumerable.Repeat(0.5f / 316, 4 * Chunk)], 0, speech, 0.25 * Chunk);

        Assert.Equal(new int[4], speech);
    }

    [Fact]
    public void Make_RecordingsOfMostlyPause_MarksWhatIsSpokenAndCutsItOut()
    {
        // One second of speech, then five of noise 60 dB below it: parts that are all pause are drawn anew, and of the others the pause is no speech.
        float[] recording = [.. Enumerable.Range(0, 6 * ActivityOptions.SampleRate).Select(i => (float)Math.Sin(0.3 * i) * (i < ActivityOptions.SampleRate ? 0.5f : 0.0005f))];
        var maker = new SceneMaker([recording, recording], 125);

        Assert.InRange(Enumerable.Range(0, 100).Average(key => maker.Make((ulong)key).Speech.Average()), 0.08, 0.25);
    }

    [Fact]
    public void Make_AnyKey_IsTheSameAgainAndHasSpeechWhereItSaysSo()
    {
        var recordings = Enumerable.Range(1, 3).Select(tone => Enumerable.Range(0, 6000).Select(i => (float)Math.Sin(tone * 0.3 * i)).ToArray()).ToList();
        var maker = new SceneMaker(recordings, 125);
        var scenes = Enumerable.Range(0, 40).Select(key => maker.Make((ulong)key)).ToList();

        Assert.Equal(scenes[7].Samples, maker.Make(7).Samples);
        Assert.All(scenes, scene => Assert.Equal((125 * Chunk, 125), (scene.Samples.Length, scene.Speech.Length)));
        Assert.All(scenes, scene => Assert.All(scene.Samples, sample => Assert.InRange(sample, -1, 1)));
        Assert.InRange(scenes.Average(scene => scene.Speech.Average()), 0.2, 0.7);
        var energies = scenes.SelectMany(scene => scene.Speech.Select((label, chunk) => (label, Energy: scene.Samples.Skip(chunk * Chunk).Take(Chunk).Sum(sample => sample * sample)))).ToList();
        Assert.True(energies.Where(entry => entry.label == 1).Average(entry => entry.Energy) > 4 * energies.Where(entry => entry.label == 0).Average(entry => entry.Energy));
    }
}
