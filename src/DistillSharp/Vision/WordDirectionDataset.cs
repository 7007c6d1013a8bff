using DistillSharp.Config;
using DistillSharp.Data;
using SkiaSharp;

namespace DistillSharp.Vision;

/// <summary>Options of <c>word_direction</c>.</summary>
public sealed record WordDirectionOptions
{
    /// <summary>Folder of font files.</summary>
    [Option("folder of .ttf and .otf files; the fetched `fonts-text` by default", DataPath = true)]
    public string? Fonts { get; init; }

    /// <summary>Training images.</summary>
    [Option("training images", Min = 2, Max = 70000)]
    public int Train { get; init; } = 6000;

    /// <summary>Test images.</summary>
    [Option("test images", Min = 2, Max = 70000)]
    public int Test { get; init; } = 2000;

    /// <summary>Share of the font families that the test set is drawn with.</summary>
    [Option("share of the font families that only the test set is drawn with", Min = 0.01, Max = 0.9)]
    public double TestShare { get; init; } = 0.3;

    /// <summary>Seed of the drawings and of the split of families.</summary>
    [Option("seed of the drawings and of the split of families", Min = 0)]
    public int DrawingSeed { get; init; }
}

/// <summary>Lines of text drawn upright and upside down, as many of each: grey images [1, 48, 192] in which the text starts at the left.</summary>
public static class WordDirectionDataset
{
    private const int Width = 192;

    /// <summary>Shape and classes.</summary>
    public static DatasetInfo Info { get; } = new("word_direction", [1, WordImages.Height, Width], ["upright", "turned"]);

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "word_direction", "words drawn upright or upside down with ordinary fonts: 2 classes, 48x192 pixels, test fonts held out by family",
        "drawn here with Debian's packages of DejaVu, Liberation, FreeFont, Lato and Open Sans", typeof(WordDirectionOptions),
        _ => Info, (options, locator) => Load((WordDirectionOptions)options, locator))
    {
        Needs = "fonts-text",
    };

    /// <summary>Draws both sets.</summary>
    /// <exception cref="FileNotFoundException">No folder is given and the fonts were not fetched.</exception>
    /// <exception cref="InvalidDataException">The folder has fewer than two usable families.</exception>
    public static DatasetPair Load(WordDirectionOptions options, DataLocator locator)
    {
        var families = Fonts.Families(options.Fonts ?? locator.FindFetched("fonts-text"), WordImages.Characters);
        var (train, test) = Fonts.Split(families, options.TestShare, options.DrawingSeed);
        return new DatasetPair(Draw(train, options.Train, options.DrawingSeed, 0), Draw(test, options.Test, options.DrawingSeed, 1));
    }

    // A family is drawn first, then one of its files, so that a family of many weights is not most of the data.
    private static Dataset Draw(IReadOnlyList<FontFamily> families, int count, int seed, int side)
    {
        var typefaces = families.Select(family => family.Files.Select(file => SKTypeface.FromFile(file)).ToList()).ToList();
        using var images = new WordImages(Width);
        var pixels = new byte[count * WordImages.Height * Width];
        var labels = new int[count];
        for (var i = 0; i < count; i++)
        {
            var random = new StableRandom(StableRandom.Key((ulong)seed, (ulong)side, (ulong)i));
            var family = typefaces[random.Below(typefaces.Count)];
            var typeface = family[random.Below(family.Count)];
            var text = WordImages.Text(ref random);
            labels[i] = i % 2;
            images.Draw(text, typeface, labels[i] == 1, ref random).CopyTo(pixels.AsSpan(i * WordImages.Height * Width));
        }

        typefaces.SelectMany(family => family).ToList().ForEach(typeface => typeface.Dispose());
        return Dataset.FromBytes(Info, pixels, labels, 1 / 255f);
    }
}
