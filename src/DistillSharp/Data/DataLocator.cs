namespace DistillSharp.Data;

/// <summary>Looks for the files of a dataset: a given folder, <c>DISTILL_DATA</c>, the system's package, the user's cache.</summary>
/// <param name="folder">The folder of <c>--data-dir</c>; null for none.</param>
public sealed class DataLocator(string? folder)
{
    /// <summary>The user's cache folder, where <c>distill data get</c> puts what it fetches.</summary>
    public static string CacheFolder
    {
        get
        {
            var home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(home))
            {
                home = OperatingSystem.IsWindows()
                    ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                    : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            }

            return Path.Combine(home, "distillsharp");
        }
    }

    /// <summary>The folders that are searched for a dataset, in order.</summary>
    public IReadOnlyList<string> Folders(string dataset)
    {
        var given = new[] { folder, Environment.GetEnvironmentVariable("DISTILL_DATA") }.Where(path => !string.IsNullOrEmpty(path)).Select(path => path!);
        return
        [
            .. given.SelectMany(path => new[] { Path.Combine(path, dataset), path }),
            Path.Combine("/usr/share/datasets", dataset),
            Path.Combine(CacheFolder, dataset),
        ];
    }

    /// <summary>The paths of all files, plain or with <c>.gz</c>, from the first folder that has every one.</summary>
    /// <exception cref="FileNotFoundException">No folder has them all; the message lists the ways to get them.</exception>
    public IReadOnlyList<string> Find(string dataset, IReadOnlyList<string> files)
    {
        if (FindFolder(dataset, files) is { } found)
        {
            return [.. files.Select(file => Existing(found, file)!)];
        }

        throw new FileNotFoundException(
            $"the dataset {dataset} was not found. Looked for {string.Join(", ", files)} (plain or .gz) in:{Environment.NewLine}"
            + string.Join(Environment.NewLine, Folders(dataset).Select(path => $"  {path}{(Another(dataset, path, DatasetFetcher.NamedAlike(dataset)) is { } other ? $" (its files are those of {other.Name})" : "")}")) + Environment.NewLine
            + $"Ways to get it:{Environment.NewLine}"
            + $"  distill data get {dataset}{Environment.NewLine}"
            + (dataset == "fashion-mnist" ? $"  apt install dataset-fashion-mnist (Debian, Ubuntu){Environment.NewLine}" : "")
            + "  put the files into a folder and name it by --data-dir or the environment variable DISTILL_DATA");
    }

    /// <summary>
    /// The full path of a file: where it starts at <paramref name="start"/>, or, as <c>name/file</c>, in what was fetched under that name.
    /// </summary>
    public string FileAt(string start, string path)
    {
        var full = Path.GetFullPath(Path.Combine(start, path));
        return !File.Exists(full) && path.Split('/') is [var name, var file] && DatasetFetcher.Known(name) is { } known && known.FileNames.Contains(file) && FetchedFolder(name) is { } fetched
            ? Path.Combine(fetched, file)
            : full;
    }

    /// <summary>What would bring a missing file <c>name/file</c>; empty where nothing here would.</summary>
    public static string HowToGet(string path) =>
        path.Split('/', '\\') is [.., var name, var file] && DatasetFetcher.Known(name)?.FileNames.Contains(file) == true ? $"; `distill data get {name}` fetches it" : "";

    /// <summary>The folder of what <c>distill data get</c> fetches, with the right hashes where files are known as a whole.</summary>
    /// <exception cref="FileNotFoundException">No folder has it.</exception>
    public string FindFetched(string name) => FetchedFolder(name)
        ?? throw new FileNotFoundException($"{name} was not found, or in another version, in {string.Join(", ", Folders(name))}; `distill data get {name}` fetches it");

    /// <summary>The first folder that has what can be fetched under that name; null for none.</summary>
    public string? FetchedFolder(string name)
    {
        var known = DatasetFetcher.Known(name) ?? throw new ArgumentException($"`{name}` cannot be fetched");
        if (known.Archive is { } archive)
        {
            return Folders(name).SelectMany(folder => new[] { folder, Path.Combine(folder, archive.Folder) }).FirstOrDefault(known.IsIn);
        }

        return known.Tree is null ? FindFolder(name, known.FileNames) : Folders(name).FirstOrDefault(known.IsIn);
    }

    /// <summary>The first folder that has every file; null for none. One of another name than the dataset's is passed over where its files are those of another dataset.</summary>
    public string? FindFolder(string dataset, IReadOnlyList<string> files) => FindFolder(dataset, files, DatasetFetcher.NamedAlike(dataset));

    /// <summary>The same, with the datasets whose files are named alike.</summary>
    internal string? FindFolder(string dataset, IReadOnlyList<string> files, IReadOnlyList<FetchableDataset> alike) =>
        Folders(dataset).FirstOrDefault(candidate => files.All(file => Existing(candidate, file) is not null) && Another(dataset, candidate, alike) is null);

    private static FetchableDataset? Another(string dataset, string folder, IReadOnlyList<FetchableDataset> alike) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) == dataset ? null : alike.FirstOrDefault(other => other.IsIn(folder));

    private static string? Existing(string folder, string file) =>
        new[] { Path.Combine(folder, file), Path.Combine(folder, file + ".gz") }.FirstOrDefault(File.Exists);
}
