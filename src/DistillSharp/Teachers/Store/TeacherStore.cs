using DistillSharp.Signals;

namespace DistillSharp.Teachers.Store;

/// <summary>
/// A folder with a teacher's outputs: a manifest, and shards of rows. Any number of processes may read it and add to it; each writes
/// shards of its own.
/// </summary>
public sealed class TeacherStore : IDisposable
{
    internal const string ShardFolderName = "shards";
    internal const string ClaimFolderName = "claims";

    private readonly SortedDictionary<string, Shard> _shards = new(StringComparer.Ordinal);
    private readonly RowIndex _index;
    private readonly FileStream? _lock;

    private TeacherStore(string path, StoreManifest manifest)
    {
        (Path, Manifest) = (System.IO.Path.GetFullPath(path), manifest);
        Layout = new RowLayout(manifest);
        _index = new RowIndex(Layout.BlockRows);
        _lock = Lock(Path, alone: false);
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

    internal string ShardFolder => System.IO.Path.Combine(Path, ShardFolderName);

    internal string ClaimFolder => System.IO.Path.Combine(Path, ClaimFolderName);

    internal IReadOnlyCollection<Shard> Shards => _shards.Values;

    internal int Duplicates => _index.Duplicates;

    /// <summary>Opens a store.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is damaged; the message says what and where.</exception>
    public static TeacherStore Open(string path) => new(path, StoreManifest.Load(path));

    /// <summary>Opens a store, or makes an empty one where there is none.</summary>
    public static TeacherStore OpenOrCreate(string path, StoreManifest manifest)
    {
        if (!File.Exists(System.IO.Path.Combine(path, StoreManifest.FileName)))
        {
            // What cannot be laid out is refused before anything is on disk.
            _ = new RowLayout(manifest);
            Directory.CreateDirectory(path);
            Create(path, manifest);
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
    internal ShardWriter BeginShard() => new(Path, Manifest, Layout);

    /// <summary>Claims a piece of work for this process until the claim is disposed; null where another has it. The system lets go when a process dies.</summary>
    internal IDisposable? TryClaim(string name)
    {
        Directory.CreateDirectory(ClaimFolder);
        return TryLock(System.IO.Path.Combine(ClaimFolder, name));
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

    // Of several processes that begin a store at once the first one says what it is of.
    private static void Create(string path, StoreManifest manifest)
    {
        var manifestFile = System.IO.Path.Combine(path, StoreManifest.FileName);
        while (!File.Exists(manifestFile))
        {
            using var alone = TryLock(System.IO.Path.Combine(path, "manifest.lock"));
            if (alone is null)
            {
                Thread.Sleep(20);
            }
            else if (!File.Exists(manifestFile))
            {
                manifest.Save(path);
            }
        }
    }

    private static FileStream? TryLock(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (File.Exists(path))
            {
                return null;
            }
            catch (IOException) when (attempt < 4)
            {
                // Let go between the failure and the look for its cause; what is wrong otherwise is wrong again.
            }
        }
    }

    // A row may be missing because the byte that changed is in its sample id.
    private InvalidDataException Missing(long sampleId, int view)
    {
        var damage = _shards.Values.SelectMany(shard => shard.Blocks.Where(block => !shard.IsSound(block)).Select(shard.Damage)).FirstOrDefault();
        return new InvalidDataException(damage ?? $"{Path} has no row for sample {sampleId} in view {view}; it has {RowsOf(view)} rows of that view: fill it with `distill teach`");
    }

    /// <summary>Shares a store with others who use it, or keeps all others out, until it is disposed; null where the medium cannot be written.</summary>
    /// <exception cref="IOException">It is in use otherwise.</exception>
    internal static FileStream? Lock(string path, bool alone)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(path, "store.lock"), FileMode.OpenOrCreate, alone ? FileAccess.ReadWrite : FileAccess.Read, alone ? FileShare.None : FileShare.ReadWrite);
        }
        catch (UnauthorizedAccessException) when (!alone)
        {
            // A store on a medium that cannot be written needs no lock.
            return null;
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new IOException($"{path} is in use by another process{(alone ? "" : ", which tidies it up")}; wait for it, or stop it first. The system says: {error.Message}", error);
        }
    }
}
