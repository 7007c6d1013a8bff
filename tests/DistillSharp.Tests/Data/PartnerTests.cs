using DistillSharp.Data;
using DistillSharp.Tests.Training;

namespace DistillSharp.Tests.Data;

public sealed class PartnerTests
{
    private const int Count = 22;

    private static readonly LoaderOptions Options = new() { BatchSize = 5, Shuffle = true, Seed = 7, Augment = new AugmentOptions { Shift = 2 } };

    // Every ninth sample has no label.
    private static Dataset Samples => TrainingCase.Samples(Count, [1, 6, 6], unlabelledEvery: 9);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void SameClass_Partner_IsAnotherSampleOfTheClass()
    {
        var labels = new Dictionary<long, long>();
        foreach (var row in Rows(Options with { Partner = BatchPartner.SameClass }, 0))
        {
            Assert.Equal(row.Label, row.PartnerLabel);
            Assert.Equal(row.Label < 0, row.Id == row.Partner);
            labels[row.Id] = row.Label;
        }

        Assert.Equal(Count, labels.Count);
    }

    [Fact]
    public void SameClass_ManyEpochs_EveryOtherSampleOfTheClassIsDrawnAboutAsOften()
    {
        // Sample 0 has the class of 3, 6, … 21 without those that have no label (8 and 17 are of other classes).
        var drawn = new Dictionary<long, int>();
        var loader = new Loader(Samples, Options with { Partner = BatchPartner.SameClass });
        for (var epoch = 0; epoch < 700; epoch++)
        {
            var partner = Rows(loader, epoch).Single(row => row.Id == 0).Partner;
            drawn[partner] = drawn.GetValueOrDefault(partner) + 1;
        }

        Assert.Equal([3L, 6, 9, 12, 15, 18, 21], drawn.Keys.Order());
        Assert.All(drawn.Values, times => Assert.InRange(times, 60, 140));
    }

    [Theory]
    [InlineData(BatchPartner.SameClass)]
    [InlineData(BatchPartner.PreviousBatch)]
    public void Partners_AnyPrefetchAndAnyStart_AreTheSame(BatchPartner partner)
    {
        var options = Options with { Partner = partner };
        var whole = Rows(options with { Prefetch = 0 }, 2);
        Assert.Equal(whole, Rows(options with { Prefetch = 4 }, 2));
        Assert.Equal(whole.Skip(15), Rows(new Loader(Samples, options), 2, 3));
        Assert.NotEqual(whole.OrderBy(row => row.Id), Rows(options, 1).OrderBy(row => row.Id));
    }

    [Fact]
    public void PreviousBatch_Partner_IsTheBatchBeforeInAnotherView()
    {
        var loader = new Loader(Samples, Options with { Partner = BatchPartner.PreviousBatch });
        (long[] Ids, float[] Pixels)? before = null;
        var different = 0;
        for (var epoch = 0; epoch < 2; epoch++)
        {
            foreach (var batch in loader.Epoch(epoch, 0, Cancellation))
            {
                using var owned = batch;
                Assert.Equal(before?.Ids, batch.Partner?.SampleIds);
                if (batch.Partner is { } partner)
                {
                    different += partner.Input.data<float>().ToArray().SequenceEqual(before!.Value.Pixels) ? 0 : 1;
                }

                before = (batch.SampleIds, batch.Input.data<float>().ToArray());
            }
        }

        Assert.Equal(9, different);
    }

    [Fact]
    public void Loader_PartnersOfTheSameClassAndAClassWithOneSample_NamesTheClass()
    {
        var samples = Dataset.FromFloats(new DatasetInfo("few", [1], ["cat", "dog"]), [1, 2, 3], [0, 1, 0]);
        var error = Assert.Throws<ArgumentException>(() => new Loader(samples, Options with { Augment = new AugmentOptions(), Partner = BatchPartner.SameClass }));
        Assert.Contains("class `dog` has one training sample in few", error.Message, StringComparison.Ordinal);
    }

    private static List<Row> Rows(LoaderOptions options, int epoch) => Rows(new Loader(Samples, options), epoch);

    private static List<Row> Rows(Loader loader, int epoch, int firstBatch = 0)
    {
        var rows = new List<Row>();
        foreach (var batch in loader.Epoch(epoch, firstBatch, Cancellation))
        {
            using var owned = batch;
            var labels = batch.Targets!.data<long>().ToArray();
            var partner = batch.Partner;
            var partnerLabels = partner?.Targets!.data<long>().ToArray();
            for (var i = 0; i < batch.Count; i++)
            {
                // The batch before may be shorter or longer.
                var has = i < (partner?.Count ?? 0);
                rows.Add(new Row(batch.SampleIds[i], labels[i], has ? partner!.SampleIds[i] : -1, has ? partnerLabels![i] : -1, has ? partner!.AugmentationKeys[i] : 0));
            }
        }

        return rows;
    }

    private sealed record Row(long Id, long Label, long Partner, long PartnerLabel, ulong Key);
}
