using System.Runtime;
using DistillSharp.Data;
using DistillSharp.Data.Augmentation;

namespace DistillSharp.Tests.Data;

[CollectionDefinition(nameof(CollectionPauseTests), DisableParallelization = true)]
[Collection(nameof(CollectionPauseTests))]
public sealed class CollectionPauseTests
{
    [Fact]
    public void Steps_OfLittleGarbage_AreNotInterrupted()
    {
        using var pause = new CollectionPause();
        var (collections, interrupted) = (GC.CollectionCount(0), 0);
        for (var step = 0; step < 100; step++)
        {
            var before = GC.CollectionCount(0);
            for (var i = 0; i < 1000; i++)
            {
                GC.KeepAlive(new byte[1000]);
            }

            interrupted += GC.CollectionCount(0) - before;
            CollectionPause.Renew();
        }

        Assert.Equal(0, interrupted);
        // 100 MB do not fit: it was collected in between.
        Assert.InRange(GC.CollectionCount(0) - collections, 3, 20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Epoch_PixelsThatAreChangedAtLength_AreUsedWithinARegion(bool changed)
    {
        var augment = changed ? new AugmentOptions { RandAugment = new RandAugmentOptions() } : new AugmentOptions { Flip = 0.5 };
        var data = Dataset.FromBytes(new DatasetInfo("pixels", [1, 4, 4], ["a", "b"]), new byte[8 * 16], [0, 1, 0, 1, 0, 1, 0, 1], 1 / 255f);
        foreach (var batch in new Loader(data, new LoaderOptions { BatchSize = 4, Augment = augment }).Epoch(0, 0, TestContext.Current.CancellationToken))
        {
            batch.Dispose();
            Assert.Equal(changed, GCSettings.LatencyMode == GCLatencyMode.NoGCRegion);
        }

        Assert.NotEqual(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
    }

    [Fact]
    public void Dispose_Region_IsOver()
    {
        using (new CollectionPause())
        {
            Assert.Equal(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
            new CollectionPause().Dispose();
            Assert.Equal(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
        }

        Assert.NotEqual(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
    }
}
