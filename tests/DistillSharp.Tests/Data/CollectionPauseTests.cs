using System.Runtime;
using DistillSharp.Data;

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
