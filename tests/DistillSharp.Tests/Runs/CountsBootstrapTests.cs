using DistillSharp.Evaluation;
using DistillSharp.Runs;
using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Runs;

public sealed class CountsBootstrapTests
{
    private const string Metric = "bleu_greedy";

    private static readonly string[] Words = "one two three four five six seven eight".Split(' ');
    private static readonly Bleu Bleu = new();

    [Fact]
    public void Build_OneSeedOfBleu_HasThePairedBootstrapOfSentences()
    {
        var (arm, plain) = (Job("word", 0, 0.1), Job("plain", 0, 0.4));

        var difference = Build(arm, plain).Difference("word", "plain")!;

        var expected = PairedTests.Bootstrap(arm.Counts[Metric], plain.Counts[Metric], counts => Bleu.Score(counts));
        Assert.Equal([expected.Low, expected.High], difference.SampleInterval!);
        Assert.Equal("bootstrap over test samples", difference.Method);
        Assert.Equal(expected.Value, difference.Value, 1e-9);
        Assert.Equal("gain", difference.Verdict);
    }

    [Fact]
    public void Build_SeveralSeedsOfBleu_TestsOverSeedsAndShowsSentences()
    {
        var results = Build(Job("word", 0, 0.1), Job("word", 1, 0.12), Job("plain", 0, 0.4), Job("plain", 1, 0.41));

        var difference = results.Difference("word", "plain")!;
        Assert.Equal("paired t over seeds", difference.Method);
        Assert.InRange(difference.Value, difference.SampleInterval![0], difference.SampleInterval[1]);
        Assert.Contains(TruthTable.Differences(results, Catalog).Columns, column => column.Heading == "paired bootstrap");
        Assert.Contains("paired bootstrap over test samples", VerdictText.Findings(results, Catalog).Single(finding => finding.Arm == "word").Text);
    }

    [Fact]
    public void Build_OtherSentences_HasNoBootstrap()
    {
        var plain = Job("plain", 0, 0.4);
        var shorter = plain with { Counts = new() { [Metric] = plain.Counts[Metric][..10] } };

        Assert.Null(Build(Job("word", 0, 0.1), shorter).Difference("word", "plain")!.SampleInterval);
    }

    private static MetricCatalog Catalog => TextMetrics.AddTo(MetricCatalog.Default());

    private static RunResults Build(params JobResult[] jobs) => Comparison.Build(jobs, [], [], "test", new ComparisonOptions { PrimaryMetric = Metric, Metrics = Catalog });

    // A system that writes so many of the reference's words wrong.
    private static JobResult Job(string arm, int seed, double wrong)
    {
        var random = new Random(seed + (int)(wrong * 1000));
        var (outputs, references) = (new List<string>(), new List<IReadOnlyList<string>>());
        for (var i = 0; i < 60; i++)
        {
            var reference = Enumerable.Range(0, 6 + (i % 5)).Select(position => Words[(i + (position * 3)) % Words.Length]).ToArray();
            outputs.Add(string.Join(' ', reference.Select(word => random.NextDouble() < wrong ? "nothing" : word)));
            references.Add([string.Join(' ', reference)]);
        }

        var counts = Bleu.CountAll(outputs, references);
        return new JobResult { Arm = arm, Seed = seed, Metrics = new() { [Metric] = Bleu.Score(counts.Sum()) }, Counts = new() { [Metric] = [.. counts.Sentences] } };
    }
}
