namespace DistillSharp.Speech.Recognition;

/// <summary>Keys of the metadata with which an exported network of speech can be used by itself.</summary>
public static class TranscriberFile
{
    /// <summary>Characters by label − 1.</summary>
    public const string Alphabet = "speech.alphabet";

    /// <summary>Texts by label − 1 as a JSON list, where they are more than characters.</summary>
    public const string Symbols = "speech.symbols";

    /// <summary>Samples a second.</summary>
    public const string SampleRate = "speech.sample_rate";

    /// <summary>Mel bands.</summary>
    public const string Mels = "speech.mels";

    /// <summary>Input frames of an output frame.</summary>
    public const string Subsampling = "speech.subsampling";

    internal const string Features = "features";
    internal const string Lengths = "lengths";
    internal const string Logits = "logits";
}
