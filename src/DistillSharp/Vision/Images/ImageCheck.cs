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
        InParallel.For(files.Count, 0, i =>
        {
            try
            {
                using var image = DecodedImage.Of(files.PathOf(i));
            }
            catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                lock (faults)
                {
                    faults[i] = error.Message;
                }
            }
        });
        return faults;
    }

    /// <summary>The same, remembered in the user's cache for large sets whose paths, lengths and times have not changed.</summary>
    public static SortedDictionary<int, string> RememberedFaults(ImageFiles files)
    {
        if (files.Count < LeastKept)
        {
            return Faults(files);
        }

        var file = Path.Combine(DataLocator.CacheFolder, "checked-images", Key(files) + ".txt");
        if (File.Exists(file))
        {
            return new SortedDictionary<int, string>(File.ReadAllLines(file).Select(line => line.Split('\t', 2)).ToDictionary(cells => int.Parse(cells[0], CultureInfo.InvariantCulture), cells => cells[1]));
        }

        var faults = Faults(files);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var written = $"{file}.{Environment.ProcessId}";
            File.WriteAllLines(written, faults.Select(fault => string.Create(CultureInfo.InvariantCulture, $"{fault.Key}\t{fault.Value.ReplaceLineEndings(" ")}")));
            File.Move(written, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A cache that cannot be written makes the next run slower and nothing else.
        }

        return faults;
    }

    private static string Key(ImageFiles files)
    {
        var lines = new string[files.Count];
        InParallel.For(files.Count, 0, i =>
        {
            var file = new FileInfo(files.PathOf(i));
            lines[i] = string.Create(CultureInfo.InvariantCulture, $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}\n");
        });
        return FileHash.Sha256(Encoding.UTF8.GetBytes(string.Concat(lines)));
    }
}
