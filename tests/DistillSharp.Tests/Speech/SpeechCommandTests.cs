using DistillSharp.Cli;
using DistillSharp.Config;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;
using DistillSharp.Tests.Cli;

namespace DistillSharp.Tests.Speech;

public sealed class SpeechCommandTests
{
    [Fact]
    public void DataVerify_ChangedAndMissingRecordings_AreNamedAndExit1()
    {
        using var folder = new TemporaryFolder();
        var data = Directory.CreateDirectory(folder.File(AsteriskPrompts.FetchedName)).FullName;
        var (first, second) = (Path.Combine(data, "a.wav"), Path.Combine(data, "b.wav"));
        WavFile.Write(first, ToneWords.Say("ab", 1));
        WavFile.Write(second, ToneWords.Say("ba", 2));
        SpeechManifest.Write(Path.Combine(data, "train.jsonl"), new[] { first, second }.Select(file => new SpeechUtterance(file, "ab", 1, "s") { Sha256 = FileHash.Sha256(file) }));
        var fine = DistillProcess.Run("data", "verify", AsteriskPrompts.FetchedName, "--data-dir", folder.Path);
        Assert.Equal(ExitCode.Fine, fine.ExitCode);
        Assert.Contains("every recording has the SHA-256 of its manifest", fine.Output, StringComparison.Ordinal);

        WavFile.Write(first, ToneWords.Say("ab", 3));
        File.Delete(second);
        var damaged = DistillProcess.Run("data", "verify", AsteriskPrompts.FetchedName, "--data-dir", folder.Path);
        Assert.Equal(ExitCode.Failed, damaged.ExitCode);
        Assert.Contains($"{first} has changed", damaged.Output, StringComparison.Ordinal);
        Assert.Contains($"{second} does not exist", damaged.Output, StringComparison.Ordinal);
        Assert.Contains("2 recordings are missing or changed", damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void DataVerify_RecipeOfSpeech_ListsWhatIsLeftOutAndNamesDamage()
    {
        using var folder = new TemporaryFolder();
        var (train, test) = (ToneWords.Write(folder, "train", 30, 1), ToneWords.Write(folder, "test", 3, 2));
        File.AppendAllText(train, "{\"path\": \"train-0.wav\", \"text\": \"a xyz\"}\n");
        var recipe = folder.Write(
            "recipe.yaml",
            $$$"""
            data: {dataset: speech_manifest, train: [{{{train}}}], test: {tones: {{{test}}} }, alphabet: " abcde", mels: 8, validation: 0.3}
            teacher: {model: ctc_gru, layers: 1, width: 8, channels: 8}
            student: {model: ctc_gru, layers: 1, width: 8, channels: 8}
            objective: {terms: [{method: ctc_frame}]}
            """);
        var fine = DistillProcess.Run("data", "verify", recipe);
        Assert.True(fine.ExitCode == ExitCode.Fine, fine.Error);
        Assert.Contains("left out:", fine.Output, StringComparison.Ordinal);
        Assert.Contains("train-0.wav: its transcript has characters outside the alphabet: `x` `y` `z`", fine.Output, StringComparison.Ordinal);

        File.Delete(folder.File("test-0.wav"));
        var damaged = DistillProcess.Run("data", "verify", recipe);
        Assert.Equal(ExitCode.Failed, damaged.ExitCode);
        Assert.Contains("test-0.wav does not exist", damaged.Output, StringComparison.Ordinal);
        Assert.Contains("1 recording is missing or changed", damaged.Output, StringComparison.Ordinal);
    }
}
