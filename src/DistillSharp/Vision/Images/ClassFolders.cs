using System.IO.Enumeration;

namespace DistillSharp.Vision.Images;

/// <summary>Image files with the label of each.</summary>
/// <param name="Paths">Paths from the folder on.</param>
/// <param name="Labels">Class of each.</param>
internal sealed record LabelledPaths(IReadOnlyList<string> Paths, IReadOnlyList<int> Labels)
{
    /// <summary>Those at the given places.</summary>
    public LabelledPaths At(IReadOnlyCollection<int> places) => new([.. places.Select(place => Paths[place])], [.. places.Select(place => Labels[place])]);
}

/// <summary>Folders whose sub-folders are classes, as torchvision's ImageFolder reads them: classes and files in the order of their names.</summary>
internal static class ClassFolders
{
    // Endings of images that Skia does not decode.
    private static readonly string[] Undecoded = [".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".avif", ".jp2", ".jxl"];

    /// <summary>Endings of the files that are taken for images.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif"];

    /// <summary>Class names: the names of the folders, those that begin with a dot left out.</summary>
    /// <exception cref="InvalidDataException">There are none, or a name has control characters.</exception>
    public static IReadOnlyList<string> Classes(string folder, FolderGuard guard)
    {
        string[] names = [.. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)).Where(name => name[0] != '.').Order(StringComparer.Ordinal)];
        foreach (var name in names)
        {
            if (name.Any(char.IsControl))
            {
                throw new InvalidDataException($"{folder}: the name of the class folder `{string.Concat(name.Select(letter => char.IsControl(letter) ? '?' : letter))}` has control characters");
            }

            guard.Check(Path.Combine(folder, name));
        }

        return names.Length > 0 ? names : throw new InvalidDataException($"{folder} has no folders; each class must have one with its images");
    }

    /// <summary>The images of a folder's classes, and of folders within them.</summary>
    /// <param name="guard">The folder that paths start at.</param>
    /// <param name="folder">The folder whose sub-folders are classes.</param>
    /// <param name="classes">Class names in label order.</param>
    /// <param name="allNeeded">True where every class must have an image.</param>
    /// <param name="others">Counts, by ending, files that are images of kinds that are not decoded, and so are left out.</param>
    /// <exception cref="InvalidDataException">A folder is no class, a class has no image, or a link leads out of the folder.</exception>
    public static LabelledPaths Images(FolderGuard guard, string folder, IReadOnlyList<string> classes, bool allNeeded, SortedDictionary<string, int> others)
    {
        var unknown = Classes(folder, guard).Except(classes).ToList();
        if (unknown.Count > 0)
        {
            throw new InvalidDataException($"{folder} has the class folders {string.Join(", ", unknown.Take(5))}{(unknown.Count > 5 ? " …" : "")}, which the training images do not have");
        }

        var (paths, labels) = (new List<string>(), new List<int>());
        for (var label = 0; label < classes.Count; label++)
        {
            var own = Path.Combine(folder, classes[label]);
            var before = paths.Count;
            if (Directory.Exists(own))
            {
                paths.AddRange(Files(own, guard, others));
            }

            if (allNeeded && paths.Count == before)
            {
                throw new InvalidDataException($"{own} has no image ({string.Join(", ", Extensions)})");
            }

            labels.AddRange(Enumerable.Repeat(label, paths.Count - before));
        }

        return paths.Count > 0 ? new LabelledPaths(paths, labels) : throw new InvalidDataException($"{folder} has no image in the folders of its classes");
    }

    private static IEnumerable<string> Files(string folder, FolderGuard guard, SortedDictionary<string, int> others)
    {
        var found = new FileSystemEnumerable<(string Path, bool Linked)>(
            folder,
            (ref entry) => (entry.ToFullPath(), entry.Attributes.HasFlag(FileAttributes.ReparsePoint)),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
        {
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory && entry.FileName[0] != '.' && (IsImage(entry.FileName) || EndsInOneOf(entry.FileName, Undecoded)),
            ShouldRecursePredicate = (ref entry) => entry.FileName[0] != '.' && (!entry.Attributes.HasFlag(FileAttributes.ReparsePoint) || Allowed(guard, entry.ToFullPath())),
        };
        foreach (var (path, linked) in found.OrderBy(file => file.Path, StringComparer.Ordinal))
        {
            if (!IsImage(path))
            {
                var ending = Path.GetExtension(path).ToLowerInvariant();
                others[ending] = others.GetValueOrDefault(ending) + 1;
                continue;
            }

            if (linked)
            {
                guard.Check(path);
            }

            yield return Path.GetRelativePath(guard.Root, path);
        }
    }

    private static bool Allowed(FolderGuard guard, string path)
    {
        guard.Check(path);
        return true;
    }

    /// <summary>True where a file's name has one of <see cref="Extensions"/>.</summary>
    public static bool IsImage(ReadOnlySpan<char> name) => EndsInOneOf(name, Extensions);

    private static bool EndsInOneOf(ReadOnlySpan<char> name, IReadOnlyList<string> endings)
    {
        var extension = Path.GetExtension(name);
        foreach (var known in endings)
        {
            if (extension.Equals(known, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
