using DistillSharp.Text.Translation;

namespace DistillSharp.Tests.Text.Translation;

public sealed class TranslationProgressTests
{
    [Fact]
    public void Hear_ManyParts_ReportsEveryTenSecondsAndAtTheEnd()
    {
        var (clock, reports) = (new SecondsClock(), new List<string>());
        var progress = new TranslationProgress(1000, 5000, reports.Add, clock);

        // 100 a second, in parts of 400.
        for (var translated = 1400; translated <= 5000; translated += 400)
        {
            clock.Seconds += 4;
            progress.Hear(translated);
        }

        Assert.Equal(
            [
                "2200 of 5000 sentences are translated (100 a second), about 0:00:28 left",
                "3400 of 5000 sentences are translated (100 a second), about 0:00:16 left",
                "4600 of 5000 sentences are translated (100 a second), about 0:00:04 left",
                "5000 of 5000 sentences are translated (100 a second)",
            ],
            reports);
    }

    [Fact]
    public void Hear_SlowTeacher_TellsHours()
    {
        var (clock, reports) = (new SecondsClock(), new List<string>());
        var progress = new TranslationProgress(0, 50_512, reports.Add, clock);
        clock.Seconds = 512;
        progress.Hear(512);

        Assert.EndsWith("(1 a second), about 13:53:20 left", Assert.Single(reports), StringComparison.Ordinal);
    }

    private sealed class SecondsClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
