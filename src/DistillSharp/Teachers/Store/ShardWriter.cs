using DistillSharp.Config;
using DistillSharp.RunLog;

namespace DistillSharp.Teachers.Store;

/// <summary>
/// Appends blocks to a shard of its own, which nobody else writes. A block is written whole; of a process that is killed the last one
/// may be cut off, and readers leave it out. Closing seals the shard.
/// </summary>
internal sealed class ShardWriter : IDisposable
{
    private const long LargestShard = 1L << 30;
    private const long FlushEvery = 1L << 26;

    private readonly string _store;
    private readonly StoreManifest _manifest;
    private readonly RowLayout _layout;
    private readonly long[] _ids;
    private readonly byte[] _rows;
    private int _count;
    private FileStream? _file;
    private long _end;
    private long _flushed;
    private long _written;
    private int _view;

    /// <summary>Begins a shard, which becomes a file with the first block.</summary>
    /// <param name="store">The store's folder.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="layout">What a row is.</param>
    public ShardWriter(string store, StoreManifest manifest, RowLayout layout)
    {
        (_store, _manifest, _layout) = (store, manifest, layout);
        _ids = new long[_layout.BlockRows];
        _rows = new byte[_layout.BlockRows * _layout.RowBytes];
    }

    /// <summary>Takes rows; they are written as blocks fill up, and all of them by <see cref="Commit"/>.</summary>
    /// <exception cref="IOException">They cannot be written; what was written before stays readable.</exception>
    public void Append(int view, ReadOnlySpan<long> ids, ReadOnlySpan<byte> rows)
    {
        if (view != _view)
        {
            Commit();
            _view = view;
        }

        var rowBytes = _layout.RowBytes;
        for (var done = 0; done < ids.Length;)
        {
            var taken = Math.Min(ids.Length - done, _ids.Length - _count);
            ids.Slice(done, taken).CopyTo(_ids.AsSpan(_count));
            rows.Slice(done * rowBytes, taken * rowBytes).CopyTo(_rows.AsSpan(_count * rowBytes));
            _count += taken;
            done += taken;
            if (_count == _ids.Length)
            {
                Commit();
            }
        }
    }

    /// <summary>Writes what has been taken.</summary>
    public void Commit()
    {
        if (_count == 0)
        {
            return;
        }

        var block = ShardFormat.Block(_view, _ids.AsSpan(0, _count), _rows.AsSpan(0, _count * _layout.RowBytes), _layout.RowBytes);
        try
        {
            Write(block);
        }
        catch (IOException error)
        {
            Abandon();
            throw new IOException($"{_store}: cannot write: {error.Message} What is stored so far is kept; make room, and `distill teach` or the run goes on from there", error);
        }

        _written += _count;
        _count = 0;
    }

    /// <summary>Commits and seals the shard.</summary>
    public void Dispose()
    {
        Commit();
        if (_file is not null)
        {
            Seal();
        }
    }

    private void Write(byte[] block)
    {
        if (_file is not null && _end + block.Length > LargestShard)
        {
            Seal();
        }

        if (_file is null)
        {
            Directory.CreateDirectory(System.IO.Path.Combine(_store, TeacherStore.ShardFolderName));
            _file = new FileStream(System.IO.Path.Combine(_store, TeacherStore.ShardFolderName, $"{Guid.NewGuid():N}{ShardFormat.Extension}"), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0);
            RandomAccess.Write(_file.SafeFileHandle, ShardFormat.Header(_layout.RowBytes, _layout.BlockRows, _manifest.Sha256), 0);
            (_end, _flushed, _written) = (ShardFormat.HeaderBytes, 0, 0);
        }

        FaultInjection.Fail("disk_full");
        // In two parts, so that a test can stop between them.
        var half = block.Length / 2;
        RandomAccess.Write(_file.SafeFileHandle, block.AsSpan(0, half), _end);
        FaultInjection.Reach("store_block");
        RandomAccess.Write(_file.SafeFileHandle, block.AsSpan(half), _end + half);
        _end += block.Length;
        if (_end - _flushed > FlushEvery)
        {
            _file.Flush(flushToDisk: true);
            _flushed = _end;
        }
    }

    private void Seal()
    {
        _file!.Flush(flushToDisk: true);
        _file.Dispose();
        RunJson.Save(_file.Name + ShardFormat.SealExtension, new ShardSeal(_end, _written));
        _file = null;
    }

    // Whole blocks stay; the shard is not sealed, since that takes room too.
    private void Abandon()
    {
        _count = 0;
        if (_file is not { } file)
        {
            return;
        }

        _file = null;
        file.SetLength(_end);
        file.Dispose();
    }
}
