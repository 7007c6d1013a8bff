using DistillSharp.Signals;

namespace DistillSharp.Teachers.Store;

/// <summary>
/// A folder with a teacher's outputs: a manifest, and shards of rows. Any number of processes may read it and add to it; each writes
/// shards of its own.
/// </summary>
public sealed class TeacherStore : IDisposable
{
    private readonly SortedDictionary<string, Shard> _shards = new(StringComparer.Ordinal);
    private readonly RowIndex _index;
    private readonly FileStream? _lock;

    private TeacherStore(string path, StoreManifest manifest, bool alone)
    {
        (Path, Manifest) = (System.IO.Path.GetFullPath(path), manifest);
        Layout = new RowLayout(manifest);
        _index = new RowIndex(Layout.BlockRows);
        _lock = Lock(alone);
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

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What it holds.</summary>
    public StoreManifest Manifest { get; }

    /// <summary>Different rows.</summary>
    public int RowCount => _index.Count;

    /// <summary>Views with rows.</summary>
    public IEnumerable<int> Views => _index.Views;

    /// <summary>Bytes of all shards.</summary>
    public long Bytes => _shards.Values.Sum(shard => shard.Length);

    internal RowLayout Layout { get; }

    internal string ShardFolder => System.IO.Path.Combine(Path, "shards");

    internal string ClaimFolder => System.IO.Path.Combine(Path, "claims");

    internal IReadOnlyCollection<Shard> Shards => _shards.Values;

    internal int Duplicates => _index.Duplicates;

    /// <summary>Opens a store.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is damaged; the message says what and where.</exception>
    public static TeacherStore Open(string path) => new(path, StoreManifest.Load(path), alone: false);

    /// <summary>Opens a store while nobody else may have it open.</summary>
    /// <exception cref="IOException">It is in use.</exception>
    internal static TeacherStore OpenAlone(string path) => new(path, StoreManifest.Load(path), alone: true);

    /// <summary>Opens a store, or makes an empty one where there is none.</summary>
    public static TeacherStore OpenOrCreate(string path, StoreManifest manifest)
    {
        if (!File.Exists(System.IO.Path.Combine(path, StoreManifest.FileName)))
        {
            // What cannot be laid out is refused before anything is on disk.
            _ = new RowLayout(manifest);
            Directory.CreateDirectory(path);
            manifest.Save(path);
        }

        return Open(path);
    }

    /// <summary>Rows of a view.</summary>
    public int RowsOf(int view) => _index.CountOf(view);

    /// <summary>Whether there is a row of a sample's view.</summary>
    public bool Contains(long sampleId, int view) => _index.Find(sampleId, view) is not null;

    /// <summary>Looks for rows that were added since, by whomever.</summary>
    /// <exception cref="InvalidDataException">A shard is damaged; the message says which and where.</exception>
    public void Refresh()
    {
        if (!Directory.Exists(ShardFolder))
        {
            return;
        }

        foreach (var path in Directory.EnumerateFiles(ShardFolder, "*" + ShardFormat.Extension).Order(StringComparer.Ordinal))
        {
            var known = 0;
            if (_shards.TryGetValue(path, out var shard))
            {
                known = shard.Blocks.Count;
                shard.Refresh();
            }
            else
            {
                _shards[path] = shard = new Shard(path, Manifest, Layout);
            }

            foreach (var block in shard.Blocks.Skip(known))
            {
                _index.Add(shard, block);
            }
        }
    }

    /// <summary>The outputs of samples in a view, owned by the current dispose scope.</summary>
    /// <param name="sampleIds">Sample ids.</param>
    /// <param name="view">The view.</param>
    /// <param name="features">Features that are wanted, all of them in the manifest.</param>
    /// <exception cref="InvalidDataException">A row is missing, or its block is damaged.</exception>
    public ModelSignals Read(ReadOnlySpan<long> sampleIds, int view, IReadOnlyList<string> features)
    {
        var rows = new nint[sampleIds.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var (shard, block, row) = _index.Find(sampleIds[i], view) ?? throw Missing(sampleIds[i], view);
            if (!shard.IsSound(block))
            {
                throw new InvalidDataException(shard.Damage(block));
            }

            rows[i] = shard.Row(block, row);
        }

        return Layout.Decode(rows, features);
    }

    /// <summary>The key of some row, by a number below <see cref="RowCount"/> counted over all blocks; for spot checks.</summary>
    internal (long SampleId, int View) KeyAt(long number)
    {
        foreach (var shard in _shards.Values)
        {
            foreach (var block in shard.Blocks)
            {
                if (number < block.Rows)
                {
                    return (shard.Id(block, (int)number), block.View);
                }

                number -= block.Rows;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(number));
    }

    /// <summary>Begins a shard of this process.</summary>
    internal ShardWriter BeginShard()
    {
        Directory.CreateDirectory(ShardFolder);
        return new ShardWriter(this);
    }

    /// <summary>Claims a piece of work for this process until the claim is disposed; null where another has it. The system lets go when a process dies.</summary>
    internal IDisposable? TryClaim(string name)
    {
        Directory.CreateDirectory(ClaimFolder);
        try
        {
            return new FileStream(System.IO.Path.Combine(ClaimFolder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException) when (File.Exists(System.IO.Path.Combine(ClaimFolder, name)))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var shard in _shards.Values)
        {
            shard.Dispose();
        }

        _shards.Clear();
        _lock?.Dispose();
    }

    // A row may be missing because the byte that changed is in its sample id.
    private InvalidDataException Missing(long sampleId, int view)
    {
        var damage = _shards.Values.SelectMany(shard => shard.Blocks.Where(block => !shard.IsSound(block)).Select(shard.Damage)).FirstOrDefault();
        return new InvalidDataException(damage ?? $"{Path} has no row for sample {sampleId} in view {view}; it has {RowsOf(view)} rows of that view: fill it with `distill teach`");
    }

    private FileStream? Lock(bool alone)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(Path, "store.lock"), FileMode.OpenOrCreate, alone ? FileAccess.ReadWrite : FileAccess.Read, alone ? FileShare.None : FileShare.ReadWrite);
        }
        catch (UnauthorizedAccessException) when (!alone)
        {
            // A store on a medium that cannot be written needs no lock.
            return null;
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new IOException($"{Path} is in use by another process{(alone ? "" : ", which tidies it up")}; wait for it, or stop it first", error);
        }
    }
}
