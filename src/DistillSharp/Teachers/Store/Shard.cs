using System.IO.MemoryMappedFiles;
using DistillSharp.Config;
using DistillSharp.RunLog;

namespace DistillSharp.Teachers.Store;

/// <summary>A shard that is read through a memory map. It may grow meanwhile: <see cref="Refresh"/> looks for new blocks.</summary>
internal sealed unsafe class Shard : IDisposable
{
    private readonly StoreManifest _manifest;
    private readonly RowLayout _layout;
    private readonly List<ShardBlock> _blocks = [];
    private readonly long? _sealed;
    private MemoryMappedFile? _map;
    private MemoryMappedViewAccessor? _view;
    private byte* _start;
    private long _length;
    private long _end = ShardFormat.HeaderBytes;

    /// <summary>Opens a shard.</summary>
    /// <param name="path">The file.</param>
    /// <param name="manifest">The store's manifest.</param>
    /// <param name="layout">What a row is.</param>
    /// <param name="asOpen">True where it is read as one that was never closed: as far as it is whole.</param>
    /// <exception cref="InvalidDataException">It is no shard of this store, or was truncated after it was closed.</exception>
    public Shard(string path, StoreManifest manifest, RowLayout layout, bool asOpen = false)
    {
        (Path, _manifest, _layout) = (path, manifest, layout);
        _sealed = !asOpen && File.Exists(path + ShardFormat.SealExtension) ? RunJson.Load<ShardSeal>(path + ShardFormat.SealExtension).Bytes : null;
        try
        {
            Refresh();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Whole blocks.</summary>
    public IReadOnlyList<ShardBlock> Blocks => _blocks;

    /// <summary>True where it was closed properly.</summary>
    public bool IsSealed => _sealed is not null;

    /// <summary>Bytes behind the last whole block: one that was not finished.</summary>
    public long UnfinishedBytes => Math.Max(0, _length - _end);

    /// <summary>Bytes of the file.</summary>
    public long Length => _length;

    /// <summary>Looks for blocks that were written since.</summary>
    /// <exception cref="InvalidDataException">The shard was truncated, or a block's header is damaged.</exception>
    public void Refresh()
    {
        var length = FileTarget.Of(Path).Length;
        if (_sealed is { } whole && length < whole)
        {
            throw new InvalidDataException($"{Path} was truncated: it has {length} bytes and was closed with {whole}; `distill store prune` keeps its whole blocks, and `distill teach` fills in the rest");
        }

        // The header may be under way.
        if (length == _length || length < ShardFormat.HeaderBytes)
        {
            return;
        }

        Map(length);
        CheckHeader();
        while (_end + ShardFormat.BlockHeaderBytes <= _length)
        {
            if (ShardFormat.ReadBlockHeader(new ReadOnlySpan<byte>(_start + _end, ShardFormat.BlockHeaderBytes), _layout.BlockRows) is not { } header)
            {
                if (IsSealed)
                {
                    throw new InvalidDataException($"{Path}: the header of block {_blocks.Count} at byte {_end} is damaged; `distill store prune` keeps the blocks before it, and `distill teach` fills in the rest");
                }

                break;
            }

            var bytes = ShardFormat.BlockBytes(header.Rows, _layout.RowBytes);
            if (bytes > _length - _end)
            {
                break;
            }

            _blocks.Add(new ShardBlock(_end, header.Rows, header.View, header.Checksum));
            _end += bytes;
        }
    }

    /// <summary>Address of a row.</summary>
    public nint Row(ShardBlock block, int row) =>
        (nint)(_start + block.Offset + ShardFormat.BlockHeaderBytes + ((long)block.Rows * sizeof(long)) + ((long)row * _layout.RowBytes));

    /// <summary>Sample id of a row.</summary>
    public long Id(ShardBlock block, int row) => *(long*)(_start + block.Offset + ShardFormat.BlockHeaderBytes + ((long)row * sizeof(long)));

    /// <summary>Whether a block's bytes have its checksum. A block is read once; later calls remember.</summary>
    public bool IsSound(ShardBlock block)
    {
        if (!block.IsChecked)
        {
            var body = new ReadOnlySpan<byte>(_start + block.Offset + ShardFormat.BlockHeaderBytes, (int)(ShardFormat.BlockBytes(block.Rows, _layout.RowBytes) - ShardFormat.BlockHeaderBytes));
            block.IsChecked = ShardFormat.Checksum(body) == block.Checksum;
        }

        return block.IsChecked;
    }

    /// <summary>Says which block is damaged, where, and what to do.</summary>
    public string Damage(ShardBlock block) =>
        $"{Path}: block {_blocks.IndexOf(block)} ({block.Rows} rows of view {block.View}, bytes {block.Offset} to {block.Offset + ShardFormat.BlockBytes(block.Rows, _layout.RowBytes) - 1}) does not have its checksum: it was changed since it was written. `distill store prune` drops it, and `distill teach` fills it in again";

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start is not null)
        {
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
            _start = null;
        }

        _view?.Dispose();
        _map?.Dispose();
        (_view, _map) = (null, null);
    }

    private void Map(long length)
    {
        Dispose();
        var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = start;
        _length = length;
    }

    private void CheckHeader()
    {
        if (new ReadOnlySpan<byte>(_start, ShardFormat.HeaderBytes).SequenceEqual(ShardFormat.Header(_layout.RowBytes, _layout.BlockRows, _manifest.Sha256)))
        {
            return;
        }

        throw new InvalidDataException($"{Path} is no shard of this store, or its header is damaged: it does not say the row size and the manifest's hash; move it away");
    }
}

/// <summary>A block of a shard.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="View">Their view.</param>
/// <param name="Checksum">CRC-32C of its body.</param>
internal sealed record ShardBlock(long Offset, int Rows, int View, uint Checksum)
{
    /// <summary>True once its bytes were compared with its checksum.</summary>
    public bool IsChecked { get; set; }
}
