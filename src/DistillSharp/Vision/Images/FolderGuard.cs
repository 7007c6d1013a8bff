namespace DistillSharp.Vision.Images;

/// <summary>Keeps what is read below one folder, whatever links and paths say.</summary>
internal sealed class FolderGuard
{
    private const int MostLinks = 40;

    private readonly string _root;
    private readonly string _real;
    private readonly bool _followLinks;
    private readonly Dictionary<string, string> _known = [];

    /// <summary>A guard of a folder that exists.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="followLinks">True lets links lead out of it.</param>
    public FolderGuard(string root, bool followLinks)
    {
        _root = Path.GetFullPath(root);
        _real = Real(_root);
        _followLinks = followLinks;
    }

    /// <summary>The folder.</summary>
    public string Root => _root;

    /// <summary>Checks a path that a table gives.</summary>
    /// <param name="relative">The path, which must stay below the folder.</param>
    /// <param name="where">Where it is written, for messages.</param>
    /// <returns>The path from the folder on, without detours.</returns>
    /// <exception cref="InvalidDataException">It leads out of the folder, or no file is there.</exception>
    public string Checked(string relative, string where)
    {
        if (relative.Contains('\0') || Path.IsPathRooted(relative))
        {
            throw new InvalidDataException($"{where}: `{relative}` must be a path from {_root} on");
        }

        var full = Path.GetFullPath(Path.Combine(_root, relative));
        if (!IsBelow(full, _root))
        {
            throw new InvalidDataException($"{where}: `{relative}` leads out of {_root}");
        }

        if (!File.Exists(full))
        {
            throw new InvalidDataException($"{where}: there is no file {full}");
        }

        Check(full);
        return Path.GetRelativePath(_root, full);
    }

    /// <summary>Checks that a file or folder found below the folder is there in truth, not through a link that leads out.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public void Check(string full)
    {
        if (!_followLinks && Real(full) is var real && !IsBelow(real, _real))
        {
            throw new InvalidDataException($"{full} is a link to {real}, out of {_root}; say `follow_links: true` if that is meant");
        }
    }

    private static bool IsBelow(string path, string folder) =>
        path.StartsWith(folder.EndsWith(Path.DirectorySeparatorChar) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    // Every part of the path may be a link, and so may every part of where that leads.
    private string Real(string full, int links = 0)
    {
        if (links > MostLinks)
        {
            throw new InvalidDataException($"{full}: too many links, or links in a circle");
        }

        if (_known.TryGetValue(full, out var known))
        {
            return known;
        }

        if (Path.GetDirectoryName(full) is not { } parent)
        {
            return full;
        }

        var own = Path.Combine(Real(parent, links), Path.GetFileName(full));
        var target = new FileInfo(own).LinkTarget ?? new DirectoryInfo(own).LinkTarget;
        var real = target is null ? own : Real(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(own)!, target)), links + 1);
        if (Directory.Exists(own))
        {
            // Folders have many files; files are asked for once.
            _known[full] = real;
        }

        return real;
    }
}
