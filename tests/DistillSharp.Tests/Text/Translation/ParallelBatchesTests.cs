using DistillSharp.Data;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Translation;
using DistillSharp.Training;

namespace DistillSharp.Tests.Text.Translation;

public sealed class ParallelBatchesTests
{
    private static readonly DatasetInfo Info = new("x", [], []) { Sequence = new SequenceInfo(100, 0, 1, 2, "") };

    private static readonly EncodedPair[] Pairs = [.. Enumerable.Range(0, 200).Select(i => new EncodedPair(
        [.. Enumerable.Repeat(10 + (i % 50), 1 + (i * 7 % 13)), 2], [.. Enumerable.Repeat(20 + (i % 30), 1 + (i * 5 % 11)), 2]))];

    [Fact]
    public void Epoch_TokensCounted_HasEveryPairOnceWithinTheLimit()
    {
        var source = new ParallelBatches(Info, Pairs, new ParallelBatchOptions { BatchTokens = 60, Shuffle = true, Seed = 3 });
        foreach (var epoch in new[] { 0, 1, 7 })
        {
            var seen = new List<long>();
            var padding = 0L;
            var batches = 0;
            foreach (var batch in source.Epoch(epoch, 0, TestContext.Current.CancellationToken))
            {
                using (batch)
                {
                    batches++;
                    seen.AddRange(batch.SampleIds);
                    var longest = Math.Max(batch.Input.shape[1], batch.Targets!.shape[1]);
                    Assert.True(batch.Count * longest <= 60 || batch.Count == 1);
                    padding += batch.Targets.lt(0).sum().item<long>();
                }
            }

            Assert.Equal(source.BatchCount, batches);
            Assert.Equal(Enumerable.Range(0, 200).Select(i => (long)i), seen.Order());
            Assert.Equal(0, padding * 20 / Pairs.Sum(pair => pair.Target.Length));
        }
    }

    [Fact]
    public void Epoch_EnteredInTheMiddle_GivesTheSameBatches()
    {
        var source = new ParallelBatches(Info, Pairs, new ParallelBatchOptions { BatchSize = 16, Shuffle = true, Seed = 3 });
        string Ids(int epoch, int first) => string.Join('|', source.Epoch(epoch, first, TestContext.Current.CancellationToken).Select(batch => string.Join(',', batch.SampleIds)));

        Assert.EndsWith(Ids(2, 5), Ids(2, 0));
        Assert.NotEqual(Ids(1, 0), Ids(2, 0));
    }

    [Fact]
    public void Epoch_Batch_ShiftsTargetsByOne()
    {
        var source = new ParallelBatches(Info, [new([5, 6, 2], [7, 8, 9, 2]), new([5, 2], [7, 2])], new ParallelBatchOptions { BatchSize = 2 });

        using var batch = source.Epoch(0, 0, TestContext.Current.CancellationToken).Single();

        Assert.Equal([5L, 6, 2, 5, 2, 0], batch.Input.data<long>().ToArray());
        Assert.Equal([1L, 7, 8, 9, 1, 7, 0, 0], batch.Inputs[Batch.DecoderInput].data<long>().ToArray());
        Assert.Equal([7L, 8, 9, 2, 7, 2, -1, -1], batch.Targets!.data<long>().ToArray());
        Assert.Equal([4L, 2], batch.Lengths[Batch.DecoderInput].data<long>().ToArray());
    }

    [Theory]
    [InlineData("", true, "empty")]
    [InlineData("il gatto", false, "cut off")]
    [InlineData("the cat", true, "copied")]
    [InlineData("no no no no no", true, "looping")]
    [InlineData("a b c a b c a b c a b c", true, "looping")]
    [InlineData("il gatto il gatto dorme", true, null)]
    public void Fault_OutputsThatAreNoTranslation_AreNamed(string output, bool isEnded, string? expected) =>
        Assert.Equal(expected, TeacherTranslations.Fault(new SentencePair("the cat", "il gatto", ""), output, isEnded));

    [Fact]
    public void Pairs_Closest_TakesTheOutputMostLikeTheReference()
    {
        using var folder = new TemporaryFolder();
        var key = new Dictionary<string, string> { ["teacher_sha256"] = "1" };
        folder.Write("t.jsonl", """
            {"teacher_sha256":"1"}
            {"texts":["il micio dorme","il gatto dorme qui","x"],"log_probabilities":[-1,-2,-3],"is_ended":true}

            """.Replace("\r", ""));
        var pairs = new[] { new SentencePair("the cat sleeps here", "il gatto dorme qui ora", "") };
        var made = TeacherTranslations.Get(folder.File("t.jsonl"), key, ["the cat sleeps here"], () => throw new InvalidOperationException("nothing is missing"), _ => { }, TestContext.Current.CancellationToken);

        Assert.Equal("il gatto dorme qui", made.Pairs(pairs, OutputChoice.Closest, out _).Single().Target);
        Assert.Equal("il micio dorme", made.Pairs(pairs, OutputChoice.Best, out _).Single().Target);
        var changed = new Dictionary<string, string> { ["teacher_sha256"] = "2" };
        Assert.Contains("teacher_sha256", Assert.Throws<InvalidDataException>(() => TeacherTranslations.Get(folder.File("t.jsonl"), changed, ["a"], () => throw new InvalidOperationException(), _ => { }, TestContext.Current.CancellationToken)).Message);
    }
}
