using DistillSharp.Evaluation;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Runs;

public class ComparisonTests
{
    private static JobResult Job(string arm, int seed, double top1, params int[] predictions)
        => new() { Arm = arm, Seed = seed, Metrics = { ["top1"] = top1, ["nll"] = 1 - top1 }, Predictions = predictions };

    [Fact]
    public void Build_ThreeSeeds_SummarisesAndTests()
    {
        JobResult[] jobs =
        [
            Job("kd", 2, 0.93), Job("kd", 0, 0.92), Job("kd", 1, 0.94), Job("plain", 0, 0.90), Job("plain", 1, 0.91), Job("plain", 2, 0.90),
            Job("label_smoothing", 0, 0.91), Job("label_smoothing", 1, 0.93), Job("label_smoothing", 2, 0.94), Job("teacher", 0, 0.96), Job("teacher", 1, 0.97), Job("teacher", 2, 0.96),
        ];
        var results = Comparison.Build(jobs, [], [], "sample");
        Assert.Equal(["teacher", "plain", "label_smoothing", "kd"], results.Arms.Select(arm => arm.Name));
        var kd = results.Arm("kd")!;
        Assert.Equal([0, 1, 2], kd.Seeds);
        Assert.Equal([0.92, 0.94, 0.93], kd.Metrics["top1"].Values);
        Assert.Equal(0.93, kd.Metrics["top1"].Mean, 1e-12);
        Assert.Equal(0.01, kd.Metrics["top1"].Sd!.Value, 1e-12);
        var gain = results.Difference("kd", "plain")!;
        var expected = Statistics.PairedInterval([0.92, 0.94, 0.93], [0.90, 0.91, 0.90])!.Value;
        Assert.Equal((expected.Low, expected.High), (gain.Low!.Value, gain.High!.Value));
        Assert.Equal(("gain", "paired t over seeds"), (gain.Verdict, gain.Method));
        Assert.Equal("gain", results.Difference("kd", "plain", "nll")!.Verdict);
        Assert.Equal("no difference", results.Difference("kd", "label_smoothing")!.Verdict);
        Assert.Equal(GapRecovery.FromSeeds([0.92, 0.94, 0.93], [0.90, 0.91, 0.90], [0.96, 0.97, 0.96]), results.GapRecovery["kd"]);
        Assert.Empty(results.Missing);
    }

    [Fact]
    public void Build_ErrorRates_HaveAPairedBootstrapOverUtterances()
    {
        // Of 40 utterances of 5 words plain has 2 wrong in each and the other arm 1, but for one of 3: drawn together the difference hardly moves.
        JobResult Rated(string arm, int seed, Func<int, long> errors)
        {
            var counts = Enumerable.Range(0, 40).Select(i => new double[] { errors(i) + seed, 5 }).ToArray();
            return new JobResult { Arm = arm, Seed = seed, Metrics = { ["wer"] = counts.Sum(count => count[0]) / 200.0 }, Counts = { ["wer"] = counts } };
        }

        ComparisonOptions options = new() { PrimaryMetric = "wer" };
        var one = Comparison.Build([Rated("plain", 0, _ => 2), Rated("kd", 0, i => i == 7 ? 3 : 1)], [], [], "sample", options);
        var alone = one.Difference("kd", "plain")!;
        Assert.Equal(("gain", "bootstrap over test samples"), (alone.Verdict, alone.Method));
        Assert.Equal(-38 / 200.0, alone.Value, 9);
        Assert.InRange(alone.Low!.Value, -0.2001, -0.1999);
        Assert.InRange(alone.High!.Value, -0.19, -0.16);
        Assert.Contains("one seed, bootstrap over test samples", VerdictText.Findings(one)[0].Text, StringComparison.Ordinal);

        var two = Comparison.Build([Rated("plain", 0, _ => 2), Rated("kd", 0, i => i == 7 ? 3 : 1), Rated("plain", 1, _ => 2), Rated("kd", 1, _ => 2)], [], [], "sample", options);
        var both = two.Difference("kd", "plain")!;
        Assert.Equal("paired t over seeds", both.Method);
        Assert.InRange(both.SampleInterval![0], -0.1001, -0.0999);
        Assert.Contains("paired bootstrap over test samples −10.00 … ", VerdictText.Findings(two)[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_UnequalSeeds_PairsOnCommonOnesAndSaysSo()
    {
        var results = Comparison.Build([Job("plain", 0, 0.5), Job("plain", 1, 0.6), Job("plain", 2, 0.7), Job("kd", 1, 0.65), Job("kd", 2, 0.8), Job("kd", 9, 0.1)], [], [], "sample");
        var difference = results.Difference("kd", "plain")!;
        Assert.Equal([1, 2], difference.Seeds);
        Assert.Equal(0.075, difference.Value, 1e-12);
        Assert.Contains(results.Notes, note => note.Contains("different seeds", StringComparison.Ordinal) && note.Contains("kd 1, 2, 9", StringComparison.Ordinal));
    }

    [Fact]
    public void Build_OneSeed_FallsBackToTestSamplesAndSaysSo()
    {
        int[] labels = SampleRuns.Labels(1000);
        int[] plain = [.. labels.Select((label, i) => i < 800 ? label : (label + 1) % 10)];
        int[] distilled = [.. labels.Select((label, i) => i is >= 5 and < 850 ? label : (label + 1) % 10)];
        var results = Comparison.Build([Job("plain", 3, 0.8, plain), Job("kd", 3, 0.845, distilled), Job("teacher", 3, 1, labels)], labels, SampleRuns.Classes, "sample");
        var difference = results.Difference("kd", "plain")!;
        Assert.Equal("bootstrap over test samples", difference.Method);
        Assert.InRange(difference.Low!.Value, 0.02, 0.045);
        Assert.InRange(difference.High!.Value, 0.045, 0.07);
        Assert.Equal("gain", difference.Verdict);
        Assert.Equal((50, 5), (difference.McNemar[0].OnlyFirstRight, difference.McNemar[0].OnlySecondRight));
        Assert.Equal(new Flips(3, 5, 0.005, 50), results.NegativeFlips["kd"][0]);
        Assert.Equal(0.005, results.Arm("kd")!.Metrics["negative_flips"].Mean, 1e-12);
        Assert.Equal("not tested", results.Difference("kd", "plain", "nll")!.Verdict);
        Assert.Equal(0.225, results.GapRecovery["kd"].Value!.Value, 1e-9);
        Assert.Contains(results.Notes, note => note.StartsWith("One seed", StringComparison.Ordinal));
    }

    [Fact]
    public void Build_OneSeedAndMcNemarCallsItChance_IsNoDifference()
    {
        int[] labels = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var results = Comparison.Build([Job("plain", 0, 0.6, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1), Job("kd", 0, 1, labels)], labels, [], "sample");
        Assert.False(results.Difference("kd", "plain")!.Low <= 0);
        Assert.Equal("no difference", results.Difference("kd", "plain")!.Verdict);
    }

    [Fact]
    public void Build_SeedsThatAgreeToTheLastError_FallBackToTestSamplesAndSaySo()
    {
        // Both seeds have two errors less than plain, of ten: too few to tell.
        int[] labels = SampleRuns.Labels(98);
        int[] Wrong(int from, int count) => [.. labels.Select((label, i) => i >= from && i < from + count ? (label + 1) % 10 : label)];
        JobResult Of(string arm, int seed, int[] predictions) => Job(arm, seed, predictions.Zip(labels).Count(pair => pair.First == pair.Second) / 98.0, predictions);
        var results = Comparison.Build(
            [Of("plain", 0, Wrong(0, 10)), Of("plain", 1, Wrong(0, 11)), Of("kd", 0, Wrong(2, 8)), Of("kd", 1, Wrong(2, 9)), Of("teacher", 0, labels)], labels, SampleRuns.Classes, "sample");

        var difference = results.Difference("kd", "plain")!;
        Assert.Equal(("no difference", "bootstrap over test samples"), (difference.Verdict, difference.Method));
        Assert.Equal(2 / 98.0, difference.Value, 1e-12);
        Assert.Equal([difference.Low!.Value, difference.High!.Value], difference.SampleInterval!);
        Assert.True(difference.Low < difference.High);
        Assert.Contains("(the same with all 2 seeds, bootstrap over test samples)", VerdictText.Findings(results)[0].Text, StringComparison.Ordinal);

        // The gain is the same with both seeds, so that its share of the gap is tested over samples as well.
        var recovery = results.GapRecovery["kd"];
        Assert.Equal(2 / 10.5, recovery.Value!.Value, 1e-9);
        Assert.True(recovery.Low < recovery.High);
        Assert.Equal("the interval is over test samples only", recovery.Reason);

        // What is not known sample by sample has no verdict.
        var loss = results.Difference("kd", "plain", "nll")!;
        Assert.Equal(("not tested", "none", null), (loss.Verdict, loss.Method, loss.Low));
    }

    [Fact]
    public void Build_SameDifferenceWithoutTestSamples_IsNotTested()
    {
        var results = Comparison.Build([Job("plain", 0, 0.90), Job("plain", 1, 0.91), Job("kd", 0, 0.92), Job("kd", 1, 0.93), Job("twin", 0, 0.90), Job("twin", 1, 0.91)], [], [], "sample");

        Assert.Equal(("not tested", "none", null), (results.Difference("kd", "plain")!.Verdict, results.Difference("kd", "plain")!.Method, results.Difference("kd", "plain")!.Low));
        Assert.Contains("with each of 2 seeds, which tells nothing of their spread", VerdictText.Findings(results)[0].Text, StringComparison.Ordinal);
        Assert.Equal("no difference", results.Difference("twin", "plain")!.Verdict);
    }

    [Fact]
    public void Build_OneTeacherForAllSeeds_ServesEach()
    {
        var results = Comparison.Build([Job("teacher", 7, 0.9), Job("plain", 0, 0.7), Job("plain", 1, 0.72), Job("kd", 0, 0.8), Job("kd", 1, 0.82)], [], [], "sample");
        Assert.Equal(0.1 / 0.19, results.GapRecovery["kd"].Value!.Value, 1e-9);
    }

    [Fact]
    public void Build_SomeJobsMissing_NamesThem()
    {
        var options = new ComparisonOptions { PlannedJobs = ["teacher/seed-0", "plain/seed-0", "b_arm/seed-0", "a_arm/seed-0"] };
        var results = Comparison.Build([Job("plain", 0, 0.7), Job("a_arm", 0, 0.7), Job("b_arm", 0, 0.8)], [], [], "sample", options);
        Assert.Equal(["teacher/seed-0"], results.Missing);
        Assert.Equal(["plain", "b_arm", "a_arm"], results.Arms.Select(arm => arm.Name));
        Assert.Empty(results.GapRecovery);
        Assert.Empty(Comparison.Build([], [], [], "sample", options).Arms);
    }

    [Fact]
    public void Build_PerClass_ComparesClassesWithSamples()
    {
        JobResult[] jobs = [Job("plain", 0, 0.5) with { PerClass = [0.5, double.NaN] }, Job("kd", 0, 0.6) with { PerClass = [0.75, double.NaN] }];
        var change = Assert.Single(Comparison.Build(jobs, [], ["cat", "dog"], "sample").PerClassChange["kd"]);
        Assert.Equal(new ClassChange("cat", 0.25, null, null), change);
    }

    [Fact]
    public void Build_TuningAndTeacher_AreWatched()
    {
        var tuned = Job("plain", 0, 0.7) with { Tuning = [new TuningTrial(new() { ["training.epochs"] = "5" }, 0.7)] };
        var notes = Comparison.Build([tuned, Job("kd", 0, 0.7) with { TeacherUnchanged = false, Notes = ["slow disk"] }], [], [], "sample").Notes;
        Assert.Contains(notes, note => note.Contains("tuning trials: plain 1, kd 0", StringComparison.Ordinal));
        Assert.Contains(notes, note => note.StartsWith("kd/seed-0: the teacher's weights changed", StringComparison.Ordinal));
        Assert.Contains("kd/seed-0: slow disk", notes);
    }

    [Fact]
    public void Build_Control_IsMarkedAndComparedLikeOthers()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("metrics.json");
        (Job("plain_jitter", 0, 0.9) with { IsControl = true }).Save(path);
        var results = Comparison.Build([Job("plain", 0, 0.8), JobResult.Load(path), Job("kd", 0, 0.9)], [], [], "sample");
        Assert.Equal([false, true, false], results.Arms.Select(arm => arm.IsControl));
        Assert.Equal([false, false, true], results.Arms.Select(arm => results.IsDistilled(arm.Name)));
        Assert.NotNull(results.Difference("plain_jitter", "plain"));

        // Files without the field are of none.
        Job("plain_jitter", 0, 0.9).Save(path);
        Assert.DoesNotContain("is_control", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.False(JobResult.Load(path).IsControl);
    }

    [Fact]
    public void Build_BadInput_SaysWhat()
    {
        Assert.Contains("plain/seed-0 occurs 2 times", Assert.Throws<ArgumentException>(() => Comparison.Build([Job("plain", 0, 1), Job("plain", 0, 1)], [], [], "x")).Message, StringComparison.Ordinal);
        Assert.Contains("2 predictions for 1 test labels", Assert.Throws<ArgumentException>(() => Comparison.Build([Job("plain", 0, 1, 1, 2)], [1], [], "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_ThenLoad_GivesTheSameFile()
    {
        var folder = Directory.CreateTempSubdirectory("distill-results");
        try
        {
            var labels = SampleRuns.Labels(60);
            var results = Comparison.Build(SampleRuns.Jobs(labels, 0, 1, 2), labels, SampleRuns.Classes, "sample", new ComparisonOptions { Command = "distill run \"x\" → y", Started = DateTimeOffset.UnixEpoch });
            var path = Path.Combine(folder.FullName, "results.json");
            results.Save(path);
            var text = File.ReadAllText(path);
            RunResults.Load(path).Save(path);
            Assert.Equal(text, File.ReadAllText(path));
            Assert.Contains("\"gap_recovery\": {", text, StringComparison.Ordinal);
            Assert.Contains("\"labels\": [0,1,2,", text, StringComparison.Ordinal);
            Assert.Contains("\"sd\": ", text, StringComparison.Ordinal);
            var job = SampleRuns.Job("plain", 1, 0.9, labels) with { PerClass = [1, double.NaN] };
            job.Save(path);
            Assert.Equal(job.PerClass, JobResult.Load(path).PerClass);
            Assert.Equal(job.Metrics, JobResult.Load(path).Metrics);
            File.WriteAllText(path, "{\"arm\": 3}");
            Assert.Contains("results.json", Assert.Throws<InvalidDataException>(() => JobResult.Load(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
