using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistillSharp.Data;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;

namespace DistillSharp.Speech.Activity;

/// <summary>Scenes of a split, made when they are asked for.</summary>
/// <param name="maker">Puts them together.</param>
/// <param name="seed">Seed of the scenes.</param>
/// <param name="split">Number of the split.</param>
/// <param name="count">How many there are.</param>
public sealed class SceneSet(SceneMaker maker, int seed, int split, int count)
{
    private const int Hashed = 16;

    /// <summary>How many there are.</summary>
    public int Count => count;

    /// <summary>A scene by its number.</summary>
    public ActivityScene this[int number] => maker.Make(StableRandom.Key(unchecked((ulong)seed), (ulong)split, (ulong)number));

    /// <summary>Hash of how many there are and of the first ones; the others are made by the same code from the same recordings.</summary>
    public string Sha256()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(count));
        for (var i = 0; i < Math.Min(Hashed, count); i++)
        {
            hash.AppendData(MemoryMarshal.AsBytes<float>(this[i].Samples));
            hash.AppendData(MemoryMarshal.AsBytes<int>(this[i].Speech));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>Scenes in splits; no recording of the test split is in the others, nor one of validation in training.</summary>
/// <param name="Options">What scenes are like.</param>
/// <param name="Train">Training scenes.</param>
/// <param name="Validation">Validation scenes.</param>
/// <param name="Test">Test scenes.</param>
public sealed record ActivityCorpus(ActivityOptions Options, SceneSet Train, SceneSet Validation, SceneSet Test) : IDomainData
{
    private const int ShortestRecording = ActivityOptions.SampleRate / 4;

    /// <inheritdoc/>
    public string Name => "voice_activity";

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "voice_activity", "speech among silence, beeps and noise, put together here: which chunks of 32 ms are speech", "made here of recordings, Asterisk's English prompts by default",
        typeof(ActivityOptions), _ => null, (_, _) => throw new NotSupportedException("voice_activity is scenes of sound and has no table of samples and classes"))
    {
        Faults = (options, locator) => SpeechDatasets.Verify([.. ((ActivityOptions)options).Speech, .. ((ActivityOptions)options).TestSpeech], locator),
        LoadDomain = (options, locator, split) => Load((ActivityOptions)options, locator, split),
    };

    /// <summary>Reads the recordings, which are kept in memory; scenes are made of them when they are needed.</summary>
    /// <exception cref="FileNotFoundException">A manifest is missing; says how to get it.</exception>
    /// <exception cref="InvalidDataException">There are too few recordings, one cannot be read, or some are for training and for testing.</exception>
    public static ActivityCorpus Load(ActivityOptions options, DataLocator locator, SplitRequest split)
    {
        var (spoken, tested) = (Listed(options.Speech, locator), Listed(options.TestSpeech, locator));
        var shared = spoken.Intersect(tested).ToList();
        if (shared.Count > 0)
        {
            throw new InvalidDataException($"voice_activity: `speech` and `test_speech` have recordings in common ({shared.Count}), first {shared[0]}; test scenes must be of recordings that no other scene is made of: take them out of one of the two");
        }

        var given = Read(spoken, options.Speech);
        var order = Enumerable.Range(0, given.Count).ToArray();
        new StableRandom(StableRandom.Key(unchecked((ulong)split.Seed), 0x0f1ce)).Shuffle(order);
        var held = split.Validation > 0 ? Math.Clamp((int)Math.Round(given.Count * split.Validation), 1, given.Count - 1) : 0;
        var validation = (int)Math.Round(options.Train * split.Validation);
        var training = new SceneMaker([.. order.Skip(held).Select(i => given[i])], options.Chunks);
        var validating = held > 0 ? new SceneMaker([.. order.Take(held).Select(i => given[i])], options.Chunks) : training;
        return new ActivityCorpus(
            options,
            new SceneSet(training, options.SceneSeed, 0, Math.Min(split.TrainSamples ?? int.MaxValue, Math.Max(1, options.Train - validation))),
            new SceneSet(validating, options.SceneSeed, 1, Math.Max(1, validation)),
            new SceneSet(new SceneMaker(Read(tested, options.TestSpeech), options.Chunks), options.SceneSeed, 2, options.Test));
    }

    // Each once: what two manifests list must not be in training and validation scenes.
    private static List<string> Listed(IReadOnlyList<string> manifests, DataLocator locator) =>
        [.. manifests.SelectMany(manifest => SpeechManifest.ReadSounds(SpeechDatasets.Find(locator, manifest))).Select(utterance => utterance.Path).Distinct()];

    private static List<float[]> Read(List<string> paths, IReadOnlyList<string> manifests)
    {
        var recordings = paths.Select(path => AudioReader.Read(path, ActivityOptions.SampleRate)).Where(clip => clip.Samples.Length >= ShortestRecording && !clip.IsSilent)
            .Select(clip => clip.Samples).ToList();
        return recordings.Count >= 2 ? recordings : throw new InvalidDataException($"{string.Join(", ", manifests)} hold {recordings.Count} recordings of a quarter of a second or more that are not silent; at least 2 are needed");
    }
}
