using System.Globalization;
using System.IO.Compression;

namespace DistillSharp.Data;

/// <summary>Options of a dataset that has none.</summary>
public sealed record NoDatasetOptions;

/// <summary>The embedded digits: 1,797 handwritten 8×8 images, no download needed.</summary>
public static class Digits
{
    private const int Pixels = 64;
    private const double TestShare = 0.3;

    /// <summary>Shape and classes.</summary>
    public static DatasetInfo Info { get; } = new("digits", [1, 8, 8], ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "digits", "1,797 handwritten digits of 8x8 pixels, embedded in the library; 30 % are the test set",
        "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, CC BY 4.0",
        typeof(NoDatasetOptions), _ => Info, (_, _) => Load());

    /// <summary>Reads them; the test set is the same always.</summary>
    public static DatasetPair Load()
    {
        using var stream = typeof(Digits).Assembly.GetManifestResourceStream("digits.csv.gz")!;
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var pixels = new List<byte>();
        var labels = new List<int>();
        while (reader.ReadLine() is { Length: > 0 } line)
        {
            var values = line.Split(',');
            pixels.AddRange(values.Take(Pixels).Select(value => byte.Parse(value, CultureInfo.InvariantCulture)));
            labels.Add(int.Parse(values[Pixels], CultureInfo.InvariantCulture));
        }

        var all = Dataset.FromBytes(Info, [.. pixels], [.. labels], 1 / 16f);
        var (train, test) = DataSplits.HoldOutTest(all, TestShare, seed: 0);
        return new DatasetPair(train, test);
    }
}
