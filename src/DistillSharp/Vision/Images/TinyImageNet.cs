using DistillSharp.Data;

namespace DistillSharp.Vision.Images;

/// <summary>Tiny-ImageNet as its archive unpacks: 200 classes of 64×64 pixels, 500 training and 50 validation images each, the latter tested on.</summary>
public static class TinyImageNet
{
    private const int Size = 64;

    /// <summary>How files become samples.</summary>
    internal static ImageShape Shape { get; } = new(3, Size, Size);

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "tiny_imagenet", "Tiny-ImageNet: 110,000 photographs of 200 classes, 64x64 pixels; tested on its validation images",
        "Stanford CS231n: Tiny ImageNet Challenge, from ImageNet", typeof(TinyImageNetOptions),
        _ => null, (options, locator) => Open((TinyImageNetOptions)options, locator).Open(Shape, ((TinyImageNetOptions)options).Corrupt))
    {
        Needs = "tiny_imagenet",
        Faults = (options, locator) => Open((TinyImageNetOptions)options, locator).Faults(),
    };

    private static ImageSets Open(TinyImageNetOptions options, DataLocator locator)
    {
        var known = DatasetFetcher.Known("tiny_imagenet")!;
        var root = options.Folder is null
            ? locator.FetchedFolder("tiny_imagenet") ?? throw new DirectoryNotFoundException(known.HowToBring(locator))
            : ImageFolders.Find(options.Folder, "tiny_imagenet", locator, "wnids.txt", place => File.Exists(Path.Combine(place, "wnids.txt")), "It is what tiny-imagenet-200.zip unpacks to");
        var guard = new FolderGuard(root, options.FollowLinks);
        string[] ids = [.. Lines(guard, "wnids.txt").Select(line => line.Text).Order(StringComparer.Ordinal)];
        if (ids.GroupBy(id => id).FirstOrDefault(group => group.Count() > 1) is { } repeated)
        {
            throw new InvalidDataException($"{Path.Combine(guard.Root, "wnids.txt")}: class ids must differ; {repeated.Key} occurs {repeated.Count()} times");
        }

        var train = ids.Select((id, label) => (Label: label, Folder: Path.Combine("train", id, "images"))).SelectMany(entry => Images(guard, entry.Folder).Select(path => (Path: path, entry.Label))).ToList();
        var test = Annotated(guard, ids);
        return new ImageSets(
            "tiny_imagenet", guard.Root, Names(guard, ids),
            new LabelledPaths([.. train.Select(image => image.Path)], [.. train.Select(image => image.Label)]), test);
    }

    private static IEnumerable<string> Images(FolderGuard guard, string folder)
    {
        var full = Path.Combine(guard.Root, folder);
        if (folder.Split(Path.DirectorySeparatorChar).Contains("..") || !Directory.Exists(full))
        {
            throw new InvalidDataException($"wnids.txt names a class for which there is no folder {full}");
        }

        guard.Check(full);
        foreach (var path in Directory.EnumerateFiles(full, "*.JPEG").Order(StringComparer.Ordinal))
        {
            if (File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint))
            {
                guard.Check(path);
            }

            yield return Path.GetRelativePath(guard.Root, path);
        }
    }

    // Of each line the file, its class, and a box that is not needed here.
    private static LabelledPaths Annotated(FolderGuard guard, string[] ids)
    {
        var index = ids.Select((id, label) => (id, label)).ToDictionary(entry => entry.id, entry => entry.label);
        var file = Path.Combine("val", "val_annotations.txt");
        var (paths, labels) = (new List<string>(), new List<int>());
        foreach (var (text, number) in Lines(guard, file))
        {
            var where = $"{Path.Combine(guard.Root, file)}, line {number}";
            if (text.Split('\t') is not [var name, var id, ..] || !index.TryGetValue(id, out var label))
            {
                throw new InvalidDataException($"{where}: `{text}` is not a file and one of the classes of wnids.txt");
            }

            paths.Add(guard.Checked(Path.Combine("val", "images", name), where));
            labels.Add(label);
        }

        return new LabelledPaths(paths, labels);
    }

    private static IReadOnlyList<string> Names(FolderGuard guard, string[] ids)
    {
        if (!File.Exists(Path.Combine(guard.Root, "words.txt")))
        {
            return ids;
        }

        var words = Lines(guard, "words.txt").Select(line => line.Text.Split('\t')).Where(cells => cells.Length == 2).DistinctBy(cells => cells[0]).ToDictionary(cells => cells[0], cells => cells[1]);
        return [.. ids.Select(id => words.TryGetValue(id, out var meaning) ? $"{id} {meaning.Split(',')[0]}" : id)];
    }

    private static IEnumerable<(string Text, int Number)> Lines(FolderGuard guard, string file)
    {
        var full = Path.Combine(guard.Root, file);
        return File.Exists(full)
            ? File.ReadLines(full).Select((text, i) => (Text: text.TrimEnd('\r'), Number: i + 1)).Where(line => line.Text.Length > 0)
            : throw new FileNotFoundException($"there is no file {full}");
    }
}
