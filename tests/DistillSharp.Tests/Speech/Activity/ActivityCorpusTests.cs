using DistillSharp.Data;
using DistillSharp.Speech.Activity;

namespace DistillSharp.Tests.Speech.Activity;

/// <summary>Which recordings scenes are made of.</summary>
public sealed class ActivityCorpusTests
{
    [Fact]
    public void Load_RecordingsOfTrainingAndTest_MustNotBeTheSame()
    {
        using var folder = new TemporaryFolder();
        var (train, test) = (ToneWords.Write(folder, "train", 4, 1), ToneWords.Write(folder, "test", 3, 2));
        var options = new ActivityOptions { Speech = [train], TestSpeech = [test], Train = 4, Test = 2, Seconds = 1.024 };
        Assert.Equal(2, ActivityCorpus.Load(options, new DataLocator(null), new SplitRequest(0.25, 0, null)).Test.Count);

        File.AppendAllText(train, "{\"path\": \"./test-1.wav\"}\n");
        var error = Assert.Throws<InvalidDataException>(() => ActivityCorpus.Load(options, new DataLocator(null), new SplitRequest(0.25, 0, null)));
        Assert.Contains($"`speech` and `test_speech` have recordings in common (1), first {folder.File("test-1.wav")}", error.Message, StringComparison.Ordinal);
    }
}
