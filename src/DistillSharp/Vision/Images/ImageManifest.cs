using DistillSharp.Data;

namespace DistillSharp.Vision.Images;

/// <summary>Image files listed in a table: path, label and, if wanted, split.</summary>
public static class ImageManifest
{
    private const string Known = "path, label and, if wanted, split";

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "image_manifest", "your own images, listed in a CSV file: path, label and, if wanted, split", "your own", typeof(ManifestOptions),
        _ => null, (options, _) => Open((ManifestOptions)options).Open(((ManifestOptions)options).Shape, ((ManifestOptions)options).Corrupt))
    {
        Faults = (options, _) => Open((ManifestOptions)options).Faults(),
    };

    private static ImageSets Open(ManifestOptions options)
    {
        if (!File.Exists(options.File))
        {
            throw new FileNotFoundException($"there is no file {options.File}");
        }

        var root = options.Root ?? Path.GetDirectoryName(Path.GetFullPath(options.File))!;
        var guard = Directory.Exists(root) ? new FolderGuard(root, options.FollowLinks) : throw new DirectoryNotFoundException($"there is no folder {root}");
        var rows = Rows(options.File, guard);
        var classes = options.Classes.Count > 0 ? options.Classes : CsvDataset.SortedLabels(rows.Select(row => row.Label));
        if (classes.Distinct().Count() < classes.Count)
        {
            throw new InvalidDataException($"{options.File}: class names must differ; they are {string.Join(", ", classes)}");
        }

        var index = classes.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i);
        var labels = rows.Select(row => index.TryGetValue(row.Label, out var label)
            ? label
            : throw new InvalidDataException($"{options.File}, line {row.Line}: label `{row.Label}` is none of the classes {string.Join(", ", classes.Take(20))}")).ToList();
        var all = new LabelledPaths([.. rows.Select(row => row.Path)], labels);
        if (rows[0].Split is null)
        {
            var (train, test) = ImageFolders.ByHash(all, options.TestShare, options.File);
            return new ImageSets("image_manifest", guard.Root, classes, train, test);
        }

        var sides = Enumerable.Range(0, rows.Count).ToLookup(i => IsTest(options.File, rows[i]));
        return sides[true].Any() && sides[false].Any()
            ? new ImageSets("image_manifest", guard.Root, classes, all.At([.. sides[false]]), all.At([.. sides[true]]))
            : throw new InvalidDataException($"{options.File}: the column split must have both train and test");
    }

    private static bool IsTest(string file, Row row) => row.Split switch
    {
        "train" => false,
        "test" => true,
        _ => throw new InvalidDataException($"{file}, line {row.Line}: split is `{row.Split}`; it must be train or test (data.validation takes validation images from the training images)"),
    };

    private static List<Row> Rows(string file, FolderGuard guard)
    {
        var rows = new List<Row>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        (int Path, int Label, int Split) place = default;
        var columns = 0;
        foreach (var (text, number) in File.ReadLines(file).Select((text, i) => (text, i + 1)).Where(line => line.text.Trim().Length > 0))
        {
            var cells = CsvDataset.Cells(text);
            if (columns == 0)
            {
                columns = cells.Length;
                if (Named(cells, $"{file}, line {number}") is { } named)
                {
                    place = named;
                    continue;
                }

                place = Unnamed(cells, $"{file}, line {number}", guard);
            }

            if (cells.Length != columns || columns < 2)
            {
                throw new InvalidDataException($"{file}, line {number}: {cells.Length} columns; {(columns < 2 ? "path and label are needed" : $"the first line has {columns}")}");
            }

            if (cells[place.Label].Length == 0)
            {
                throw new InvalidDataException($"{file}, line {number}: the label is empty");
            }

            var found = guard.Checked(cells[place.Path], $"{file}, line {number}");
            rows.Add(seen.TryAdd(found, number)
                ? new Row(found, cells[place.Label], place.Split < 0 ? null : cells[place.Split], number)
                : throw new InvalidDataException($"{file}, line {number}: {found} is in line {seen[found]} already"));
        }

        return rows.Count > 0 ? rows : throw new InvalidDataException($"{file} lists no images");
    }

    // Places of the columns that a header names; null where the line is none.
    private static (int Path, int Label, int Split)? Named(string[] cells, string where)
    {
        int Of(string name) => Array.FindIndex(cells, cell => cell.Equals(name, StringComparison.OrdinalIgnoreCase));
        var (path, label, split) = (Of("path"), Of("label"), Of("split"));
        if (path < 0 || label < 0)
        {
            return null;
        }

        var others = cells.Where((_, i) => i != path && i != label && i != split).Select(cell => $"`{cell}`").ToList();
        return others.Count == 0
            ? (path, label, split)
            : throw new InvalidDataException($"{where}: the columns of a manifest are {Known}, each once; {string.Join(", ", others)} must not be there");
    }

    // Places of the columns of a table without a header, which begins with an image.
    private static (int Path, int Label, int Split) Unnamed(string[] cells, string where, FolderGuard guard)
    {
        var first = cells[0];
        if (first.AsSpan().IndexOfAny('/', '\\') < 0 && !ClassFolders.IsImage(first) && !File.Exists(Path.Combine(guard.Root, first)))
        {
            throw new InvalidDataException($"{where}: `{first}` is no image, and as a header the line must name the columns {Known}; it has {string.Join(", ", cells)}");
        }

        return cells.Length <= 3
            ? (0, 1, cells.Length > 2 ? 2 : -1)
            : throw new InvalidDataException($"{where}: {cells.Length} columns; without a header they are {Known}, in this order");
    }

    private sealed record Row(string Path, string Label, string? Split, int Line);
}
