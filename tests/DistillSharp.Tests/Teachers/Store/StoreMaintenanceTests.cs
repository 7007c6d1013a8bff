using DistillSharp.Teachers.Store;

namespace DistillSharp.Tests.Teachers.Store;

/// <summary>Damage is listed by <c>verify</c>, removed by <c>prune</c>, and filled in again.</summary>
public sealed class StoreMaintenanceTests : IDisposable
{
    private readonly StoreCase _case = new();

    public void Dispose() => _case.Dispose();

    [Fact]
    public void Prune_DamagedBlock_DropsItAloneAndFillGoesOn()
    {
        _case.Filled().Dispose();
        Change(bytes =>
        {
            bytes[^100] ^= 1;
            return bytes;
        });
        var report = StoreMaintenance.Verify(_case.Options.Path);
        Assert.Contains("block 2 (188 rows of view 0, bytes", Assert.Single(report.Faults), StringComparison.Ordinal);
        Assert.Equal((512, 2), (report.Rows, report.Blocks));

        Assert.Equal(512, StoreMaintenance.Prune(_case.Options.Path).Rows);
        AssertFilledAgain();
    }

    [Fact]
    public void Prune_TruncatedShard_KeepsItsWholeBlocks()
    {
        _case.Filled().Dispose();
        Change(bytes => bytes[..^3000]);
        Assert.Contains("was truncated", Assert.Single(StoreMaintenance.Verify(_case.Options.Path).Faults), StringComparison.Ordinal);
        Assert.Equal(512, StoreMaintenance.Prune(_case.Options.Path).Rows);
        AssertFilledAgain();
    }

    [Fact]
    public void Prune_RowsThereTwice_KeepsOneOfEach()
    {
        _case.Filled().Dispose();
        File.Copy(_case.Shards[0], Path.Combine(_case.Options.Path, "shards", "again.shard"));
        var (rows, freed) = StoreMaintenance.Prune(_case.Options.Path);
        Assert.Equal(700, rows);
        Assert.InRange(freed, 700 * 12, long.MaxValue);
        AssertFilledAgain();
    }

    [Fact]
    public void Prune_SoundShardOfAnotherStore_IsLeftAndReported()
    {
        _case.Filled().Dispose();
        using var other = new StoreCase(count: 10);
        other.Fields["dataset"] = "other";
        other.Filled().Dispose();
        var moved = Path.Combine(_case.Options.Path, "shards", "moved.shard");
        File.Copy(other.Shards[0], moved);
        File.Copy(other.Shards[0] + ".sealed", moved + ".sealed");

        var report = StoreMaintenance.Prune(_case.Options.Path);

        Assert.Equal(700, report.Rows);
        Assert.Contains($"{moved}: a sound shard of another store", Assert.Single(report.Remarks), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(other.Shards[0]), File.ReadAllBytes(moved));
        File.Delete(moved);
        AssertFilledAgain();
    }

    [Fact]
    public void Prune_HeaderThatIsDamaged_DropsTheShard()
    {
        _case.Filled().Dispose();
        Change(bytes =>
        {
            bytes[20] ^= 1;
            return bytes;
        });
        var report = StoreMaintenance.Prune(_case.Options.Path);
        Assert.Equal(0, report.Rows);
        Assert.Empty(report.Remarks);
        AssertFilledAgain();
    }

    [Fact]
    public void Prune_ThatFails_LeavesSeals()
    {
        _case.Filled().Dispose();
        var shard = Assert.Single(_case.Shards);
        var lost = Path.Combine(_case.Options.Path, "shards", "zz.shard");
        File.CreateSymbolicLink(lost, Path.Combine(_case.Options.Path, "nowhere"));

        Assert.Throws<FileNotFoundException>(() => StoreMaintenance.Prune(_case.Options.Path));

        Assert.True(File.Exists(shard + ".sealed"));
        File.Delete(lost);
        AssertFilledAgain();
    }

    [Fact]
    public void Verify_UnfinishedBlock_IsARemarkAndNoFault()
    {
        _case.Filled().Dispose();
        File.Delete(_case.Shards[0] + ".sealed");
        Change(bytes => bytes[..^10]);
        var report = StoreMaintenance.Verify(_case.Options.Path);
        Assert.Empty(report.Faults);
        Assert.Contains("are a block that was not finished", Assert.Single(report.Remarks), StringComparison.Ordinal);
        Assert.Equal(512, report.Rows);
    }

    [Fact]
    public void Prune_StoreInUse_IsRefused()
    {
        using var store = _case.Filled();
        var message = Assert.Throws<IOException>(() => StoreMaintenance.Prune(_case.Options.Path)).Message;
        Assert.Contains("is in use by another process", message, StringComparison.Ordinal);
        Assert.Contains("The system says: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 3, 0, 33)]
    [InlineData(2, 3, 33, 66)]
    [InlineData(3, 3, 66, 100)]
    public void TeachRange_Parts_CoverAllOnce(int part, int parts, int first, int end) => Assert.Equal((first, end), TeachRange.OfPart($"{part}/{parts}").In(100));

    [Fact]
    public void TeachRange_Samples_AreCountedFromZeroToTheLast()
    {
        Assert.Equal((10, 20), TeachRange.OfSamples("10-19").In(100));
        Assert.Equal((90, 95), TeachRange.OfSamples("90-200").In(95));
        Assert.Equal((90, 95), TeachRange.OfSamples("90-2147483647").In(95));
        Assert.Contains("begins at sample 95, and there are 95 training samples, 0 to 94", Assert.Throws<InvalidOperationException>(() => TeachRange.OfSamples("95-99").In(95)).Message, StringComparison.Ordinal);
        Assert.All(["", "5", "9-3", "a-b", "-1-3"], text => Assert.Contains("is no range of samples", Assert.Throws<FormatException>(() => TeachRange.OfSamples(text)).Message, StringComparison.Ordinal));
        Assert.All(["0/2", "3/2", "1-2"], text => Assert.Contains("is no part", Assert.Throws<FormatException>(() => TeachRange.OfPart(text)).Message, StringComparison.Ordinal));
    }

    private void Change(Func<byte[], byte[]> change)
    {
        var path = Assert.Single(_case.Shards);
        File.WriteAllBytes(path, change(File.ReadAllBytes(path)));
    }

    private void AssertFilledAgain()
    {
        using var store = _case.Filled();
        Assert.Equal((700, 0), (store.RowCount, store.Duplicates));
        Assert.Empty(StoreMaintenance.Verify(_case.Options.Path).Faults);
    }
}
