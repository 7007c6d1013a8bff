using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Unpacks a dataset's archive into the cache, once its hash is right.</summary>
internal static class ArchiveInstaller
{
    /// <summary>Unpacks the archive in <paramref name="work"/>; what it held is then below <paramref name="folder"/>, in the archive's own folder.</summary>
    /// <exception cref="InvalidDataException">The archive has another hash, cannot be unpacked, or has not the files it should have.</exception>
    public static void Install(FetchableDataset dataset, string work, string folder)
    {
        var archive = dataset.Archive!;
        var packed = Path.Combine(work, archive.Name);
        Check(archive, packed);
        var unpacked = Path.Combine(work, "unpacked");
        Directory.CreateDirectory(unpacked);

        // Both refuse entries that would land outside the folder.
        if (archive.Name.EndsWith(".zip", StringComparison.Ordinal))
        {
            ZipFile.ExtractToDirectory(packed, unpacked);
        }
        else
        {
            using var stream = new GZipStream(File.OpenRead(packed), CompressionMode.Decompress);
            TarFile.ExtractToDirectory(stream, unpacked, overwriteFiles: false);
        }

        var found = Path.Combine(unpacked, archive.Folder);
        if (dataset.FileNames.FirstOrDefault(file => !File.Exists(Path.Combine(found, file))) is { } missing)
        {
            throw new InvalidDataException($"{archive.Name} has no {archive.Folder}/{missing}");
        }

        var target = Path.Combine(folder, archive.Folder);
        Directory.CreateDirectory(folder);
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }

        Directory.Move(found, target);
    }

    private static void Check(DatasetArchive archive, string packed)
    {
        var (kind, wanted) = archive.Sha256 is { } known ? ("SHA-256", known) : ("MD5", archive.Md5);
        var hash = archive.Sha256 is not null ? FileHash.Sha256(packed) : Md5(packed);
        if (hash != wanted)
        {
            throw new InvalidDataException($"{archive.Name} has {kind} {hash}, should have {wanted}");
        }
    }

    // Nothing better was published; it tells a cut download from a whole one.
    private static string Md5(string packed)
    {
        using var stream = File.OpenRead(packed);
#pragma warning disable CA5351
        return Convert.ToHexStringLower(MD5.HashData(stream));
#pragma warning restore CA5351
    }
}
