namespace DistillSharp.Speech.Corpora;

/// <summary>One recording and what is said in it.</summary>
/// <param name="Path">The sound file, absolute.</param>
/// <param name="Text">What is said; null where nobody wrote it down.</param>
/// <param name="Duration">Seconds; 0 where the manifest does not say.</param>
/// <param name="Speaker">Who speaks; empty where the manifest does not say.</param>
public sealed record SpeechUtterance(string Path, string? Text, double Duration, string Speaker)
{
    /// <summary>SHA-256 of the sound file; empty where the manifest does not say.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>What draws go by, the same wherever the data lies: the path from the manifest's folder, with <c>/</c>; <see cref="Path"/> where there is no manifest.</summary>
    public string Key { get; init; } = Path;
}
