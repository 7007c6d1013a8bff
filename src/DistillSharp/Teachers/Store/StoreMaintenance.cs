namespace DistillSharp.Teachers.Store;

/// <summary>What <see cref="StoreMaintenance.Verify"/> found.</summary>
/// <param name="Rows">Rows of sound blocks.</param>
/// <param name="Blocks">Sound blocks.</param>
/// <param name="Faults">What is damaged, each with file and place.</param>
/// <param name="Remarks">What is in order and yet worth knowing.</param>
public sealed record StoreReport(long Rows, int Blocks, IReadOnlyList<string> Faults, IReadOnlyList<string> Remarks);

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
    /// in between leaves rows twice, which does no harm.
    /// </summary>
    /// <returns>Rows that were kept, and bytes that were freed.</returns>
    /// <exception cref="IOException">Another process has the store open.</exception>
    public static (long Rows, long FreedBytes) Prune(string path)
    {
        var manifest = StoreManifest.Load(path);
        var layout = new RowLayout(manifest);
        var old = Shards(path);
        using var alone = TeacherStore.Lock(path, alone: true);
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

        return (kept, before - Size(path));
    }

    private static unsafe long Copy(string file, StoreManifest manifest, RowLayout layout, ShardWriter writer, HashSet<(long, int)> seen)
    {
        // A truncated shard is read as one that was never closed.
        var seal = file + ShardFormat.SealExtension;
        File.Delete(seal);
        try
        {
            using var shard = new Shard(file, manifest, layout);
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
            // No shard of this store, or its own header is damaged: nothing in it can be trusted.
            return 0;
        }
    }

    private static string[] Shards(string path)
    {
        var folder = Path.Combine(path, TeacherStore.ShardFolderName);
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*" + ShardFormat.Extension).Order(StringComparer.Ordinal)] : [];
    }

    private static long Size(string path)
    {
        var folder = Path.Combine(path, TeacherStore.ShardFolderName);
        return Directory.Exists(folder) ? Directory.GetFiles(folder).Sum(file => new FileInfo(file).Length) : 0;
    }
}
