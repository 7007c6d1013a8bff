using DistillSharp.Teachers;
using DistillSharp.Teachers.Store;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers.Store;

/// <summary>The files of a store: what is written is read, what is damaged is found and named.</summary>
public sealed class TeacherStoreTests : IDisposable
{
    private readonly StoreCase _case = new();

    public void Dispose() => _case.Dispose();

    [Fact]
    public void Read_FilledStore_GivesWhatTheTeacherGives()
    {
        using var scope = NewDisposeScope();
        using var store = _case.Filled();
        Assert.Equal(700, store.RowCount);
        using var teacher = new LiveTeacher(_case.Network).Open([]);
        foreach (var batch in _case.View(1).Epoch(0, 0, TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                Assert.True(store.Read(batch.SampleIds, 0, []).Logits.Value.allclose(teacher.Read(batch).Logits.Value, 1e-5, 1e-6));
            }
        }
    }

    [Fact]
    public void Open_EveryFlippedByteOfAShard_IsFoundAndNamed()
    {
        _case.Filled().Dispose();
        var path = Assert.Single(_case.Shards);
        var bytes = File.ReadAllBytes(path);
        for (var at = 0; at < bytes.Length; at += 37)
        {
            var changed = (byte[])bytes.Clone();
            changed[at] ^= 0x10;
            File.WriteAllBytes(path, changed);
            var error = Assert.Throws<InvalidDataException>(ReadAll);
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Matches(at < 64 ? "header is damaged" : "block [0-9]+", error.Message);
        }

        File.WriteAllBytes(path, bytes);
        ReadAll();

        void ReadAll()
        {
            using var scope = NewDisposeScope();
            using var store = TeacherStore.Open(_case.Options.Path);
            store.Read([.. Enumerable.Range(0, 700)], 0, []);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5000)]
    public void Open_TruncatedShard_IsRefusedWithBothSizes(int missing)
    {
        _case.Filled().Dispose();
        var path = Assert.Single(_case.Shards);
        var length = new FileInfo(path).Length;
        Truncate(path, length - missing);
        var error = Assert.Throws<InvalidDataException>(() => TeacherStore.Open(_case.Options.Path));
        Assert.Contains($"was truncated: it has {length - missing} bytes and was closed with {length}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_UnfinishedLastBlock_LosesThatBlockAloneAndFillGoesOn()
    {
        _case.Filled().Dispose();
        var path = Assert.Single(_case.Shards);
        // A process that was killed sealed nothing and left half a block.
        File.Delete(path + ".sealed");
        Truncate(path, new FileInfo(path).Length - 200);
        using (var store = TeacherStore.Open(_case.Options.Path))
        {
            Assert.Equal(2 * 256, store.RowCount);
            Assert.Contains("no row for sample 699 in view 0", Assert.Throws<InvalidDataException>(() => store.Read([699], 0, [])).Message, StringComparison.Ordinal);
        }

        using var whole = _case.Filled();
        Assert.Equal(700, whole.RowCount);
        Assert.Equal(0, whole.Duplicates);
    }

    [Fact]
    public void Open_RowsOfAnotherStore_AreRefused()
    {
        _case.Filled().Dispose();
        using var other = new StoreCase();
        other.Fields["dataset"] = "other";
        other.Filled().Dispose();
        File.Copy(other.Shards[0], Path.Combine(_case.Options.Path, "shards", "x.shard"));
        Assert.Contains("x.shard is no shard of this store", Assert.Throws<InvalidDataException>(() => TeacherStore.Open(_case.Options.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ChangedManifest_IsRefused()
    {
        _case.Filled().Dispose();
        var path = Path.Combine(_case.Options.Path, StoreManifest.FileName);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"shift 1\"", "\"shift 2\"", StringComparison.Ordinal));
        Assert.Contains("changed or damaged", Assert.Throws<InvalidDataException>(() => TeacherStore.Open(_case.Options.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoStore_SaysSo() =>
        Assert.Contains("is not a store of teacher outputs", Assert.Throws<FileNotFoundException>(() => TeacherStore.Open(_case.Options.Path)).Message, StringComparison.Ordinal);

    [Fact]
    public void Size_RowsOfTwoHundredBytes_AreAtMostATenthLargerThanTheNumbers()
    {
        var manifest = RowLayoutTests.Manifest(StorePrecision.Float16) with { Logits = [100] };
        using var folder = new TemporaryFolder();
        using (var store = TeacherStore.OpenOrCreate(folder.Path, manifest))
        using (var writer = store.BeginShard())
        {
            for (var first = 0; first < 5000; first += 100)
            {
                writer.Append(0, [.. Enumerable.Range(first, 100)], new byte[100 * store.Layout.RowBytes]);
            }
        }

        var bytes = Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);
        Assert.InRange(bytes / (5000.0 * 200), 1, 1.1);
    }

    private static void Truncate(string path, long length)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.SetLength(length);
    }
}
