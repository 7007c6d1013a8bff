using DistillSharp.Config;

namespace DistillSharp.Teachers.Store;

/// <summary>What <see cref="StoreMaintenance.Verify"/> found.</summary>
/// <param name="Rows">Rows of sound blocks.</param>
/// <param name="Blocks">Sound blocks.</param>
/// <param name="Faults">What is damaged, each with file and place.</param>
/// <param name="Remarks">What is in order and yet worth knowing.</param>
public sealed record StoreReport(long Rows, int Blocks, IReadOnlyList<string> Faults, IReadOnlyList<string> Remarks);

/// <summary>What <see cref="StoreMaintenance.Prune"/> did.</summary>
/// <param name="Rows">Rows that were kept.</param>
/// <param name="FreedBytes">Bytes that were freed.</param>
public sealed record PruneReport(long Rows, long FreedBytes)
{
    /// <summary>What was left though it is not of this store, each with its file.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];
}

/// <summary>Reads a whole store for damage, and tidies it up.</summary>
public static class StoreMaintenance
{
    /// <summary>The stores in a folder: itself, and those of the validation and test split beside it.</summary>
    public static IReadOnlyList<string> StoresIn(string path) =>
        [.. new[] { path, Path.Combine(path, "validation"), Path.Combine(path, "test") }.Where((folder, i) => i == 0 || File.Exists(Path.Combine(folder, StoreManifest.FileName)))];

    /// <summary>Compares every block with its checksum.</summary>
    /// <exception cref="InvalidDataException">The manifest is damaged.</exception>
    public static StoreReport Verify(string path)
    {
        var manifest = StoreManifest.Load(path);
        var layout = new RowLayout(manifest);
        var (faults, remarks) = (new List<string>(), new List<string>());
        var (rows, blocks) = (0L, 0);
        foreach (var file in Shards(path))
        {
            try
            {
                using var shard = new Shard(file, manifest, layout);
                foreach (var block in shard.Blocks)
                {
                    if (shard.IsSound(block))
                    {
                        (rows, blocks) = (rows + block.Rows, blocks + 1);
                    }
                    else
                    {
                        faults.Add(shard.Damage(block));
                    }
                }

                if (shard.UnfinishedBytes > 0)
                {
                    remarks.Add($"{file}: the last {shard.UnfinishedBytes} bytes are a block that was not finished, and are not read");
                }
            }
            catch (InvalidDataException error)
            {
                faults.Add(error.Message);
            }
        }

        return new StoreReport(rows, blocks, faults, remarks);
    }

    /// <summary>
    /// Writes every sound row once into new shards, and removes the old ones with what was damaged, unfinished or there twice. A kill
    /// in between leaves rows twice, which does no harm. Sound shards of another store are left and reported.
    /// </summary>
    /// <exception cref="IOException">Another process has the store open.</exception>
    public static PruneReport Prune(string path)
    {
        var manifest = StoreManifest.Load(path);
        var layout = new RowLayout(manifest);
        using var alone = TeacherStore.Lock(path, alone: true);
        var others = Shards(path).Where(file => IsOfAnotherStore(file, manifest, layout)).ToList();
        var old = Shards(path).Except(others).ToList();
        var before = Size(path);
        var kept = 0L;
        using (var writer = new ShardWriter(path, manifest, layout))
        {
            var seen = new HashSet<(long, int)>();
            foreach (var file in old)
            {
                kept += Copy(file, manifest, layout, writer, seen);
            }
        }

        foreach (var file in old)
        {
            File.Delete(file);
            File.Delete(file + ShardFormat.SealExtension);
        }

        if (Directory.Exists(Path.Combine(path, TeacherStore.ClaimFolderName)))
        {
            Directory.Delete(Path.Combine(path, TeacherStore.ClaimFolderName), recursive: true);
        }

        return new PruneReport(kept, before - Size(path)) { Remarks = others.ConvertAll(file => $"{file}: a sound shard of another store, which was left; move it there, or delete it, since this store cannot be opened with it") };
    }

    private static unsafe long Copy(string file, StoreManifest manifest, RowLayout layout, ShardWriter writer, HashSet<(long, int)> seen)
    {
        try
        {
            // Of a truncated shard the whole blocks are kept.
            using var shard = new Shard(file, manifest, layout, asOpen: true);
            var kept = 0L;
            foreach (var block in shard.Blocks.Where(shard.IsSound))
            {
                for (var row = 0; row < block.Rows; row++)
                {
                    if (seen.Add((shard.Id(block, row), block.View)))
                    {
                        writer.Append(block.View, [shard.Id(block, row)], new ReadOnlySpan<byte>((byte*)shard.Row(block, row), layout.RowBytes));
                        kept++;
                    }
                }
            }

            return kept;
        }
        catch (InvalidDataException)
        {
            // Its own header is damaged: nothing in it can be trusted.
            return 0;
        }
    }

    private static bool IsOfAnotherStore(string file, StoreManifest manifest, RowLayout layout)
    {
        var header = new byte[ShardFormat.HeaderBytes];
        using var stream = File.OpenRead(file);
        return stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length
            && ShardFormat.IsHeader(header) && !header.AsSpan().SequenceEqual(ShardFormat.Header(layout.RowBytes, layout.BlockRows, manifest.Sha256));
    }

    private static string[] Shards(string path)
    {
        var folder = Path.Combine(path, TeacherStore.ShardFolderName);
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*" + ShardFormat.Extension).Order(StringComparer.Ordinal)] : [];
    }

    private static long Size(string path)
    {
        var folder = Path.Combine(path, TeacherStore.ShardFolderName);
        return Directory.Exists(folder) ? Directory.GetFiles(folder).Sum(file => FileTarget.Of(file).Length) : 0;
    }
}
