using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Speech.Audio;

namespace DistillSharp.Speech.Corpora;

/// <summary>What synthetic speech is made of.</summary>
public sealed record SyntheticSpeechOptions
{
    /// <summary>Hours of training speech.</summary>
    public double Hours { get; init; } = 10;

    /// <summary>Minutes of test speech.</summary>
    public double TestMinutes { get; init; } = 30;

    /// <summary>Samples a second.</summary>
    public int SampleRate { get; init; } = 8000;

    /// <summary>Seed of sentences and voices.</summary>
    public int Seed { get; init; }

    /// <summary>Programs that run side by side.</summary>
    public int Jobs { get; init; } = 2;
}

/// <summary>
/// Speech made by espeak-ng, with many voices, rates and pitches. Test voices and test sentences are not trained on. Where espeak-ng is not
/// installed, it is fetched through apt into a folder of its own.
/// </summary>
public static class SyntheticSpeech
{
    /// <summary>Name by which it is made.</summary>
    public const string MadeName = "synthetic-speech";

    private static readonly string[] Accents = ["en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan"];
    private static readonly string[] Variants = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5", "adam", "anika", "ed", "linda", "john", "steph"];
    private static readonly string[] TestVariants = ["m8", "edward", "belinda", "shelby", "michael", "alicia"];

    /// <summary>Makes <c>train.jsonl</c>, <c>test.jsonl</c> and their sounds; returns their folder. What is there already is kept.</summary>
    /// <param name="options">How much.</param>
    /// <param name="cache">The folder of all datasets; the sentences of <c>asterisk-en</c>'s training half and of <c>debian-descriptions</c> are taken from there.</param>
    /// <param name="report">Told what is being done.</param>
    /// <param name="cancellation">Stops between utterances.</param>
    /// <exception cref="InvalidDataException">There is neither espeak-ng nor apt.</exception>
    public static string Make(SyntheticSpeechOptions options, string cache, Action<string> report, CancellationToken cancellation = default)
    {
        var folder = Path.Combine(cache, MadeName);
        var espeak = EspeakProgram.Find(cache, report, cancellation);
        var prompts = Path.Combine(cache, AsteriskPrompts.FetchedName, "train.jsonl");
        var given = File.Exists(prompts) ? SpeechManifest.Read(prompts).Select(utterance => SpeechText.Normalise(utterance.Text!)).Distinct().ToList() : [];
        if (given.Count == 0)
        {
            report($"{MadeName}: {AsteriskPrompts.FetchedName} is not here, so sentences are numbers, dates and times alone");
        }

        var descriptions = DescriptionSentences.Read(cache);
        report($"{MadeName}: {descriptions.Train.Count + descriptions.Test.Count} sentences of {DescriptionSentences.FetchedName}{(descriptions.Train.Count == 0 ? ", which was not fetched" : "")}");
        var (sentences, testSentences) = (new SyntheticSentences(given.Concat(descriptions.Train)), new SyntheticSentences(given.Concat(descriptions.Test)));
        var (known, tested) = (given.Concat(descriptions.Train).ToHashSet(), new HashSet<string>());
        foreach (var (part, seconds) in new[] { ("test", options.TestMinutes * 60), ("train", options.Hours * 3600) })
        {
            var utterances = Part(part, seconds, part == "test" ? testSentences : sentences, known, tested, options, espeak, folder, report, cancellation);
            SpeechManifest.Write(Path.Combine(folder, part + ".jsonl"), utterances);
            report($"{MadeName}: {part}: {utterances.Count} utterances, {utterances.Sum(utterance => utterance.Duration) / 3600:0.00} hours, {utterances.Select(utterance => utterance.Speaker).Distinct().Count()} voices");
        }

        return folder;
    }

    private static List<SpeechUtterance> Part(
        string part, double seconds, SyntheticSentences sentences, HashSet<string> known, HashSet<string> tested, SyntheticSpeechOptions options, EspeakProgram espeak, string folder, Action<string> report, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.Combine(folder, part));
        var (utterances, made, number) = (new List<SpeechUtterance>(), 0.0, 0);
        while (made < seconds)
        {
            var batch = Enumerable.Range(number, 64).Select(i => (Number: i, Key: StableRandom.Key(unchecked((ulong)options.Seed), part == "test" ? 1u : 2u, (ulong)i)))
                .Select(entry => (entry.Number, entry.Key, Text: sentences.Draw(entry.Key)))
                .Where(entry => entry.Text.Length > 0 && !(part == "test" ? known : tested).Contains(entry.Text)).ToArray();
            number += 64;
            var results = new SpeechUtterance[batch.Length];
            Parallel.For(0, batch.Length, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = cancellation }, i =>
                results[i] = Speak(Path.Combine(folder, part), batch[i].Number, batch[i].Text, part == "test" ? TestVariants : Variants, batch[i].Key, options.SampleRate, espeak, cancellation));
            foreach (var utterance in results.TakeWhile(_ => made < seconds))
            {
                utterances.Add(utterance);
                made += utterance.Duration;
                if (part == "test")
                {
                    tested.Add(utterance.Text!);
                }
            }

            if (number % 2048 == 0)
            {
                report($"{MadeName}: {part}: {made / 60:0} of {seconds / 60:0} minutes");
            }
        }

        return utterances;
    }

    // The name says what was spoken and how, so that a file of other sentences or another seed is never taken for it.
    private static SpeechUtterance Speak(string folder, int number, string text, string[] variants, ulong key, int rate, EspeakProgram espeak, CancellationToken cancellation)
    {
        var random = new StableRandom(StableRandom.Key(key, 3));
        var voice = $"{Accents[random.Below(Accents.Length)]}+{variants[random.Below(variants.Length)]}";
        var (speed, pitch) = (120 + random.Below(90), 25 + random.Below(50));
        var path = Path.Combine(folder, $"{number:D6}-{FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes($"{text}|{voice}|{speed}|{pitch}|{rate}"))[..8]}.wav");
        if (!File.Exists(path))
        {
            var raw = path + ".raw.wav";
            espeak.Speak(text, voice, speed, pitch, raw, cancellation);
            WavFile.Write(path + ".part", WavFile.Read(raw).At(rate));
            File.Delete(raw);
            File.Move(path + ".part", path, overwrite: true);
        }

        return new SpeechUtterance(path, text, WavFile.Read(path).Seconds, voice) { Sha256 = FileHash.Sha256(path) };
    }
}

/// <summary>espeak-ng, installed or unpacked into a folder of its own.</summary>
internal sealed class EspeakProgram
{
    private static readonly string[] Packages = ["espeak-ng", "libespeak-ng1", "espeak-ng-data", "libpcaudio0", "libsonic0"];

    private readonly string _program;
    private readonly string[] _arguments = [];
    private readonly Dictionary<string, string> _environment = [];

    private EspeakProgram(string program) => _program = program;

    private EspeakProgram(string folder, string program)
    {
        _program = program;
        _arguments = ["--path=" + Path.GetDirectoryName(Data(folder))];
        _environment["LD_LIBRARY_PATH"] = string.Join(':', Directory.EnumerateFiles(folder, "lib*.so*", SearchOption.AllDirectories).Select(Path.GetDirectoryName).Distinct());
    }

    /// <summary>The installed program, or one fetched through apt.</summary>
    public static EspeakProgram Find(string cache, Action<string> report, CancellationToken cancellation)
    {
        if (ProgramRunner.Find("espeak-ng") is { } installed)
        {
            return new EspeakProgram(installed);
        }

        var folder = Path.Combine(cache, "espeak-ng");
        var program = Path.Combine(folder, "usr", "bin", "espeak-ng");
        if (!File.Exists(program))
        {
            report("espeak-ng is not installed: apt-get download into a folder of its own");
            try
            {
                ProgramRunner.Unpack(Packages, folder, cancellation);
            }
            catch (InvalidDataException error)
            {
                throw new InvalidDataException($"synthetic speech needs espeak-ng, which is not installed and could not be fetched: {error.Message}. Debian: apt install espeak-ng", error);
            }
        }

        return new EspeakProgram(folder, program);
    }

    /// <summary>Says a text into a WAV file.</summary>
    public void Speak(string text, string voice, int wordsPerMinute, int pitch, string path, CancellationToken cancellation) =>
        ProgramRunner.Run(_program, [.. _arguments, "-v", voice, "-s", $"{wordsPerMinute}", "-p", $"{pitch}", "-w", path, text], Path.GetDirectoryName(path)!, cancellation, _environment);

    private static string Data(string folder) => Directory.EnumerateFiles(folder, "phontab", SearchOption.AllDirectories).Select(Path.GetDirectoryName).FirstOrDefault()
        ?? throw new InvalidDataException($"{folder} holds no voices of espeak-ng; delete it, and it is fetched again");
}
