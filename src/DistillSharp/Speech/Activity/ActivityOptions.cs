using DistillSharp.Config;
using DistillSharp.Speech.Corpora;

namespace DistillSharp.Speech.Activity;

/// <summary>Options of <c>voice_activity</c>.</summary>
public sealed record ActivityOptions
{
    /// <summary>Samples a second.</summary>
    public const int SampleRate = 8000;

    /// <summary>Samples of a chunk, which is speech or not: 32 ms.</summary>
    public const int Chunk = 256;

    /// <summary>Recordings of speech for training.</summary>
    [Option("manifests of the recordings of speech that training and validation scenes are made of", DataPath = true)]
    public IReadOnlyList<string> Speech { get; init; } = [AsteriskPrompts.FetchedName + "/train.jsonl"];

    /// <summary>Recordings of speech for testing.</summary>
    [Option("manifests of the recordings of speech that test scenes are made of", DataPath = true)]
    public IReadOnlyList<string> TestSpeech { get; init; } = [AsteriskPrompts.FetchedName + "/test.jsonl"];

    /// <summary>Training scenes.</summary>
    [Option("training scenes; validation takes its share of them", Min = 2, Max = 1_000_000)]
    public int Train { get; init; } = 1500;

    /// <summary>Test scenes.</summary>
    [Option("test scenes", Min = 1, Max = 1_000_000)]
    public int Test { get; init; } = 400;

    /// <summary>Seconds of a scene.</summary>
    [Option("seconds of a scene, made a whole number of chunks", Min = 0.5, Max = 60)]
    public double Seconds { get; init; } = 4;

    /// <summary>Seed of the scenes.</summary>
    [Option("seed of the scenes", Min = 0)]
    public int SceneSeed { get; init; }

    /// <summary>Chunks of a scene.</summary>
    public int Chunks => (int)Math.Round(Seconds * SampleRate / Chunk);
}
