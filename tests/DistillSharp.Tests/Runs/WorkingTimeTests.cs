using DistillSharp.Runs;

namespace DistillSharp.Tests.Runs;

/// <summary>When processes worked on a run, by a clock that goes on when it is told to.</summary>
public sealed class WorkingTimeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualClock _clock = new();
    private readonly RunDirectory _directory;

    public WorkingTimeTests() => _directory = new RunDirectory(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Total_SessionsWithPausesAndJobsSideBySide_IsTheTimeInWhichOneWorked()
    {
        var start = _clock.Now;
        using (WorkingTime.OfRun(_directory, _clock))
        {
            Pass(minutes: 10);
        }

        Pass(minutes: 60);
        using (WorkingTime.OfJob(_directory, "plain", 0, _clock))
        {
            Pass(minutes: 5);
            using (WorkingTime.OfJob(_directory, "plain", 1, _clock))
            using (WorkingTime.OfJob(_directory, "plain", null, _clock))
            {
                Pass(minutes: 7);
            }
        }

        Pass(minutes: 24 * 60);
        using var last = WorkingTime.OfRun(_directory, _clock);
        Pass(minutes: 1);

        Assert.Equal((start, 60.0 * (10 + 12 + 1)), last.Total());
    }

    [Fact]
    public void Total_SessionsThatCannotBeRead_AreLeftOut()
    {
        using (WorkingTime.OfJob(_directory, "plain", 0, _clock))
        {
            Pass(minutes: 5);
        }

        File.WriteAllText(Path.Combine(_directory.SessionsFolder, "run.json"), "[{");
        File.WriteAllText(Path.Combine(_directory.SessionsFolder, "plain", "seed-1.json"), "torn");
        using var last = WorkingTime.OfRun(_directory, _clock);
        Pass(minutes: 1);

        Assert.Equal(60.0 * 6, last.Total().Seconds);
    }

    [Fact]
    public void Total_JobsOfARunThatStartedThem_CountOnce()
    {
        using var run = WorkingTime.OfRun(_directory, _clock);
        Pass(minutes: 1);
        using (WorkingTime.OfJob(_directory, "plain", 0, _clock))
        {
            Pass(minutes: 3);
        }

        Pass(minutes: 1);

        Assert.Equal(60.0 * 5, run.Total().Seconds);
    }

    [Fact]
    public void Total_SessionThatWasKilled_EndsWhereItWasNotedLast()
    {
        // Not disposed of, as in a process that is killed.
        _ = WorkingTime.OfRun(_directory, _clock);
        Pass(minutes: 4);
        _clock.Ring();
        Pass(minutes: 3);
        using var next = WorkingTime.OfRun(_directory, _clock);

        Assert.Equal(60.0 * 4, next.Total().Seconds);
    }

    [Fact]
    public void Dispose_ThenTheTimerRings_NotesNothingMore()
    {
        using (WorkingTime.OfRun(_directory, _clock))
        {
            Pass(minutes: 2);
        }

        Directory.Delete(_directory.SessionsFolder, recursive: true);
        _clock.Ring();

        Assert.False(Directory.Exists(_directory.SessionsFolder));
    }

    [Fact]
    public void Total_RunWhoseSessionsWereNotNoted_GoesOnFromItsResults()
    {
        var start = _clock.Now;
        Comparison.Build([new JobResult { Arm = "plain", Seed = 0 }], [], [], "run", new ComparisonOptions { Started = start, Seconds = 90 }).Save(_directory.ResultsFile);
        Pass(minutes: 60);
        using (WorkingTime.OfRun(_directory, _clock))
        {
            Pass(minutes: 1);
        }

        Pass(minutes: 60);
        using var time = WorkingTime.OfRun(_directory, _clock);

        Assert.Equal((start, 150.0), time.Total());
    }

    private void Pass(int minutes) => _clock.Now += TimeSpan.FromMinutes(minutes);
}
