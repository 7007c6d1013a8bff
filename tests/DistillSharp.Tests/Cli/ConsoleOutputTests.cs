using DistillSharp.Cli;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Tests.Runs;
using Spectre.Console.Testing;

namespace DistillSharp.Tests.Cli;

public class ConsoleOutputTests
{
    [Fact]
    public void PlainProgress_JobsOfARun_OneLineEach()
    {
        var writer = new StringWriter { NewLine = "\n" };
        var progress = new PlainProgress(writer);
        var start = DateTimeOffset.UnixEpoch;

        progress.Write(new RunStarted("quickstart", ["teacher/seed-0", "soft_target/seed-0"], false));
        progress.Write(new JobEnded("teacher", 0, new Dictionary<string, double> { ["top1"] = 0.975 }, 1.26));
        progress.Write(new JobStarted("soft_target", 0, 4, 10) { Time = start });
        progress.Write(new EpochEnded(
            "soft_target", 0, "main", 1, 4, 10, 0.5, new Dictionary<string, double> { ["hard_labels"] = 0.25, ["soft_target"] = 1.5 },
            new Dictionary<string, double> { ["top1"] = 0.5 }, 0.1, 0.1)
        {
            Time = start.AddSeconds(3),
        });
        progress.Write(new NoteLogged("warning", "the disk is nearly full"));

        var lines = writer.ToString().Split('\n');
        Assert.Equal("quickstart: 2 jobs", lines[0]);
        Assert.Equal("  teacher/seed-0 done in 1.3 s, test 97.50 %", lines[1]);
        Assert.Equal("  soft_target/seed-0 epoch 1/4  validation 50.00 %  hard_labels 0.25  soft_target 1.5  about 0:00:09 left", lines[2]);
        Assert.Equal("  warning: the disk is nearly full", lines[3]);
    }

    [Theory]
    [InlineData("top1", 0.975, "validation 97.50 %")]
    [InlineData("bleu", 31.4, "validation 31.40 BLEU")]
    [InlineData("wer", 0.25, "validation WER 25.00 %")]
    [InlineData("auc", 0.9, "validation AUC 90.00 %")]
    [InlineData("loss", 0.1, "not trained")]
    public void Reached_TrialOfASweep_SaysWhatItsValidationGave(string metric, double value, string expected) =>
        Assert.Equal(expected, ConsoleProgress.Reached(new JobEnded("word/trial-01", 1000, new Dictionary<string, double> { ["validation_" + metric] = value }, 0.5)));

    [Fact]
    public void Reached_TrialThatReadsWords_SaysItsErrors() => Assert.Equal(
        "validation CER 12.50 %",
        ConsoleProgress.Reached(new JobEnded("frame/trial-01", 1000, new Dictionary<string, double> { ["validation_cer"] = 0.125, ["validation_exact_match"] = 0.5 }, 0.5)));

    [Fact]
    public void JsonSink_Event_IsOneLineThatReadsBack()
    {
        var writer = new StringWriter { NewLine = "\n" };

        new JsonConsoleSink(writer).Write(new RunEnded("finished", 2.5));

        var line = Assert.Single(writer.ToString().TrimEnd('\n').Split('\n'));
        Assert.Equal(new RunEnded("finished", 2.5), System.Text.Json.JsonSerializer.Deserialize<RunEvent>(line, RunJson.Line));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ResultsPrinter_Table_HoldsEveryArm(bool terminal)
    {
        using var console = new TestConsole().Width(140);
        console.Profile.Capabilities.Ansi = terminal;
        var labels = SampleRuns.Labels();
        var results = Comparison.Build(SampleRuns.Jobs(labels, 0, 1, 2), labels, SampleRuns.Classes, "digits", new ComparisonOptions { Command = "x" });

        ResultsPrinter.Print(console, results);

        Assert.All(["teacher", "plain", "label_smoothing", "soft_target"], arm => Assert.Contains(arm, console.Output, StringComparison.Ordinal));
        Assert.Contains(VerdictText.Headline(results), console.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[", console.Output, StringComparison.Ordinal);
    }
}
