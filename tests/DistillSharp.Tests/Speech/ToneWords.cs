using DistillSharp.Data;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;

namespace DistillSharp.Tests.Speech;

/// <summary>A language of five letters, each a tone of 90 ms, with pauses for spaces: recordings that a tiny network learns in seconds.</summary>
internal static class ToneWords
{
    public const string Alphabet = " abcde";

    private static readonly int[] Frequencies = [400, 700, 1200, 1900, 2900];

    public static AudioClip Say(string text, ulong key)
    {
        var random = new StableRandom(key);
        var samples = new List<float>();
        samples.AddRange(new float[300 + random.Below(400)]);
        foreach (var letter in text)
        {
            var amplitude = letter == ' ' ? 0 : 0.3;
            samples.AddRange(Enumerable.Range(0, 720).Select(i => (float)(amplitude * Math.Sin(2 * Math.PI * Frequencies[Math.Max(0, letter - 'a') % 5] * i / 8000))));
            samples.AddRange(new float[240]);
        }

        return new AudioClip([.. samples.Select(sample => sample + (float)(0.004 * (random.Unit() - 0.5)))], 8000);
    }

    public static string Text(ulong key)
    {
        var random = new StableRandom(key);
        var text = string.Concat(Enumerable.Range(0, 3 + random.Below(6)).Select(_ => random.Below(4) == 0 ? ' ' : (char)('a' + random.Below(5))));
        return string.Join(' ', ('a' + text + 'b').Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Writes recordings and their manifest; returns its path.</summary>
    public static string Write(TemporaryFolder folder, string name, int count, ulong seed)
    {
        var utterances = Enumerable.Range(0, count).Select(i =>
        {
            var (key, path) = (StableRandom.Key(seed, (ulong)i), folder.File($"{name}-{i}.wav"));
            var clip = Say(Text(key), key);
            WavFile.Write(path, clip);
            return new SpeechUtterance(path, Text(key), clip.Seconds, "tones");
        }).ToList();
        SpeechManifest.Write(folder.File(name + ".jsonl"), utterances);
        return folder.File(name + ".jsonl");
    }
}
