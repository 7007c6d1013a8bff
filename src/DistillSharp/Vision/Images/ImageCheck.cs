using System.Globalization;
using System.Text;
using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Vision.Images;

/// <summary>Finds the files that cannot be decoded, by decoding all of them.</summary>
internal static class ImageCheck
{
    // Smaller sets are decoded in seconds; the findings of larger ones are kept.
    private const int LeastKept = 10_000;

    /// <summary>What is wrong with each faulty file, by its place.</summary>
    public static SortedDictionary<int, string> Faults(ImageFiles files)
    {
        var faults = new SortedDictionary<int, string>();
        Examine(files, [.. Enumerable.Range(0, files.Count)], faults);
        return faults;
    }

    /// <summary>The same, remembered in the user's cache for large sets whose paths, lengths and times have not changed.</summary>
    public static SortedDictionary<int, string> RememberedFaults(ImageFiles files) => RememberedFaults(files, Path.Combine(DataLocator.CacheFolder, "checked-images"), LeastKept);

    /// <summary>The same, remembered in a folder for sets of so many files at least.</summary>
    public static SortedDictionary<int, string> RememberedFaults(ImageFiles files, string folder, int leastKept)
    {
        if (files.Count < leastKept)
        {
            return Faults(files);
        }

        var file = Path.Combine(folder, Key(files) + ".faults");
        var faults = new SortedDictionary<int, string>();
        int[] places = File.Exists(file) ? Recall(file, faults) : [.. Enumerable.Range(0, files.Count)];
        if (places.Length > 0)
        {
            var unopened = Examine(files, places, faults);
            Keep(file, faults, unopened);
        }

        return faults;
    }

    // Adds what is wrong with the files at some places, and gives the places of those that could not be opened, which may be sound.
    private static HashSet<int> Examine(ImageFiles files, int[] places, SortedDictionary<int, string> faults)
    {
        var unopened = new HashSet<int>();
        InParallel.For(places.Length, 0, i =>
        {
            try
            {
                using var image = DecodedImage.Of(files.PathOf(places[i]));
            }
            catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                lock (faults)
                {
                    faults[places[i]] = error.Message;
                    if (error is not InvalidDataException)
                    {
                        unopened.Add(places[i]);
                    }
                }
            }
        });
        return unopened;
    }

    // A line is a place and what is wrong with its file; with nothing there the file could not be opened, and is looked at again.
    private static void Keep(string file, SortedDictionary<int, string> faults, HashSet<int> unopened)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var written = $"{file}.{Environment.ProcessId}";
            File.WriteAllLines(written, faults.Select(fault => string.Create(CultureInfo.InvariantCulture, $"{fault.Key}\t{(unopened.Contains(fault.Key) ? "" : fault.Value.ReplaceLineEndings(" "))}")));
            File.Move(written, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A cache that cannot be written makes the next run slower and nothing else.
        }
    }

    // Adds the faults that were kept, and gives the places that are to be looked at again.
    private static int[] Recall(string file, SortedDictionary<int, string> faults)
    {
        var unopened = new List<int>();
        foreach (var cells in File.ReadAllLines(file).Select(line => line.Split('\t', 2)))
        {
            var place = int.Parse(cells[0], CultureInfo.InvariantCulture);
            if (cells[1].Length == 0)
            {
                unopened.Add(place);
            }
            else
            {
                faults[place] = cells[1];
            }
        }

        return [.. unopened];
    }

    private static string Key(ImageFiles files)
    {
        var lines = new string[files.Count];
        InParallel.For(files.Count, 0, i =>
        {
            var path = Path.GetFullPath(files.PathOf(i));
            lines[i] = $"{path}|{State(path)}\n";
        });
        return FileHash.Sha256(Encoding.UTF8.GetBytes(string.Concat(lines)));
    }

    // Empty for a file that cannot be asked about: once it can be, the key is another one.
    private static string State(string path)
    {
        try
        {
            var target = FileTarget.Of(path);
            return string.Create(CultureInfo.InvariantCulture, $"{target.Length}|{target.WrittenUtc.Ticks}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
