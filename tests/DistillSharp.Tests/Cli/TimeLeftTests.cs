using DistillSharp.Cli;
using DistillSharp.RunLog;

namespace DistillSharp.Tests.Cli;

public class TimeLeftTests
{
    private readonly TimeLeft _left = new();

    [Fact]
    public void Text_ATeacherAlone_TellsNothingOfStudents()
    {
        Start("teacher/seed-0", "plain/seed-0", "kd/seed-0");
        _left.Hear(new JobStarted("teacher", 0, 100, 10) { Time = At(0) });
        Epoch("teacher", 0, 1, 100, at: 3600);

        Assert.Equal("about 99:00:00 left of this job, then 2 more", _left.Text("teacher", 0));
    }

    [Fact]
    public void Text_StudentsOfOtherArms_TakeAsLongAsThoseThatFinished()
    {
        Start("teacher/seed-0", "plain/seed-0", "kd/seed-0", "plain/seed-1", "kd/seed-1");
        End("teacher", 0, seconds: 5000);
        End("plain", 0, seconds: 100);
        _left.Hear(new JobStarted("kd", 0, 4, 10) { Time = At(0) });
        Epoch("kd", 0, 1, 4, at: 50);

        // 150 of this one, 100 of the plain student, 200 of another like this one.
        Assert.Equal("about 0:07:30 left", _left.Text("kd", 0));
    }

    [Fact]
    public void Text_OfAResumedRun_CountsNeitherFinishedJobsNorFormerEpochs()
    {
        _left.Hear(new RunStarted("x", ["teacher/seed-0", "plain/seed-0", "plain/seed-1"], true) { Finished = ["teacher/seed-0"] });
        _left.Hear(new JobStarted("plain", 0, 10, 10) { Time = At(0) });
        Epoch("plain", 0, 6, 10, at: 20);
        Epoch("plain", 0, 7, 10, at: 40);

        Assert.Equal("about 0:04:20 left", _left.Text("plain", 0));
    }

    [Fact]
    public void Text_JobsSideBySide_ShareWhatIsLeft()
    {
        Start("plain/seed-0", "plain/seed-1", "plain/seed-2");
        _left.Hear(new JobStarted("plain", 0, 2, 10) { Time = At(0) });
        _left.Hear(new JobStarted("plain", 1, 2, 10) { Time = At(0) });
        Epoch("plain", 0, 1, 2, at: 60);
        Epoch("plain", 1, 1, 2, at: 60);

        Assert.Equal("about 0:02:00 left", _left.Text("plain", 1));
    }

    private void Start(params string[] jobs) => _left.Hear(new RunStarted("x", jobs, false));

    private void End(string arm, int seed, double seconds) => _left.Hear(new JobEnded(arm, seed, new Dictionary<string, double>(), seconds));

    private void Epoch(string arm, int seed, int epoch, int epochs, double at) => _left.Hear(
        new EpochEnded(arm, seed, "main", epoch, epochs, 10, 0.5, new Dictionary<string, double>(), new Dictionary<string, double>(), 0.1, 0.1) { Time = At(at) });

    private static DateTimeOffset At(double seconds) => DateTimeOffset.UnixEpoch.AddSeconds(seconds);
}
