using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data;
using SkiaSharp;

namespace DistillSharp.Vision;

/// <summary>Options of <c>glyphs</c>.</summary>
public sealed record GlyphOptions
{
    /// <summary>Folder of font files.</summary>
    [Option("folder of .ttf and .otf files, split by the family that each names; the fetched `fonts-aenigma` by default, split by the first word of their names, which the variants of a design share", DataPath = true)]
    public string? Fonts { get; init; }

    /// <summary>Height and width of an image.</summary>
    [Option("height and width of an image in pixels", Min = 8, Max = 512)]
    public int Size { get; init; } = 32;

    /// <summary>Drawings of each character in each font.</summary>
    [Option("drawings of each character in each font, each turned, sized and placed a little differently", Min = 1, Max = 1000)]
    public int Variants { get; init; } = 2;

    /// <summary>Share of the font families that the test set is drawn with.</summary>
    [Option("share of the font families that only the test set is drawn with", Min = 0.01, Max = 0.9)]
    public double TestShare { get; init; } = 0.2;

    /// <summary>Seed of the drawings and of the split of families.</summary>
    [Option("seed of the drawings and of the split of families", Min = 0)]
    public int DrawingSeed { get; init; }
}

/// <summary>
/// Digits and capital letters drawn with hundreds of decorative fonts: 36 classes, white on black, and no font family on both sides
/// of the split.
/// </summary>
public static class GlyphDataset
{
    /// <summary>The classes in label order.</summary>
    public const string Characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private const int LeastDistinct = 34;

    // Fonts of another name that are drawn over the outlines of these.
    private static readonly Dictionary<string, string> Layered = new() { ["18"] = "DB", ["Double"] = "DB" };

    private const float DrawnSize = 100;

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "glyphs", "digits and capital letters drawn with decorative fonts: 36 classes, 32x32 pixels, test fonts held out by family",
        "drawn here with the fonts by Brian Kent in Debian's fonts-aenigma, free to use", typeof(GlyphOptions),
        options => Info((GlyphOptions)options), (options, locator) => Load((GlyphOptions)options, locator))
    {
        Needs = "fonts-aenigma",
    };

    /// <summary>Draws both sets.</summary>
    /// <exception cref="FileNotFoundException">No folder is given and the fonts were not fetched.</exception>
    /// <exception cref="InvalidDataException">The folder has fewer than two usable families, or a set would be larger than 2 GiB.</exception>
    public static DatasetPair Load(GlyphOptions options, DataLocator locator)
    {
        // The fetched fonts name each outline, width and slope of a design a family of its own.
        var families = options.Fonts is { } folder ? Fonts.Families(folder, Characters) : Fonts.Families(locator.FindFetched("fonts-aenigma"), Characters, DesignOf);
        var (train, test) = Fonts.Split(families, options.TestShare, options.DrawingSeed);
        CheckSize("training", train, options);
        CheckSize("test", test, options);
        return new DatasetPair(Draw(train, options), Draw(test, options));
    }

    /// <summary>What variants of one design have in common in the names of the fetched fonts.</summary>
    internal static string DesignOf(string name) => Layered.GetValueOrDefault(Fonts.FirstWord(name), Fonts.FirstWord(name));

    private static DatasetInfo Info(GlyphOptions options) => new("glyphs", [1, options.Size, options.Size], [.. Characters.Select(character => character.ToString())]);

    // Before anything is drawn, which takes minutes. Which fonts show pictures is only looked for where all of them would be too many.
    private static void CheckSize(string side, IReadOnlyList<FontFamily> families, GlyphOptions options)
    {
        var ofFont = (long)options.Size * options.Size * Characters.Length * options.Variants;
        List<string> files = [.. families.SelectMany(family => family.Files)];
        if (files.Count * ofFont > Array.MaxLength && files.Count(ShowsCharacters) is var fonts && fonts * ofFont > Array.MaxLength)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"glyphs: a set holds at most {Array.MaxLength:N0} bytes (2 GiB), and the {side} set would take {fonts * ofFont:N0}: `size` {options.Size}×{options.Size}, {Characters.Length} characters, `variants` {options.Variants}, {fonts} fonts; take a smaller `size` or fewer `variants`"));
        }
    }

    private static bool ShowsCharacters(string file)
    {
        using var typeface = SKTypeface.FromFile(file);
        using var font = new SKFont(typeface, DrawnSize);
        var paths = Paths(font);
        var shown = AreCharacters(paths);
        paths.ForEach(path => path?.Dispose());
        return shown;
    }

    private static List<SKPath> Paths(SKFont font) => Characters.Select(character => font.GetTextPath(character.ToString(), new SKPoint(0, 0))).ToList();

    // A font of pictures, or one whose letters are all alike, shows no characters to learn.
    private static bool AreCharacters(List<SKPath> paths) =>
        paths.All(path => path is { IsEmpty: false }) && paths.Select(path => path.ToSvgPathData()).Distinct().Count() >= LeastDistinct;

    private static Dataset Draw(IReadOnlyList<FontFamily> families, GlyphOptions options)
    {
        using var drawing = new Drawing(options.Size);
        var pixels = new MemoryStream();
        var labels = new List<int>();
        foreach (var file in families.SelectMany(family => family.Files))
        {
            using var typeface = SKTypeface.FromFile(file);
            using var font = new SKFont(typeface, DrawnSize);
            var paths = Paths(font);
            if (AreCharacters(paths))
            {
                Append(paths, Path.GetFileName(file), options, drawing, pixels, labels);
            }

            paths.ForEach(path => path?.Dispose());
        }

        return Dataset.FromBytes(Info(options), pixels.ToArray(), [.. labels], 1 / 255f);
    }

    private static void Append(List<SKPath> paths, string file, GlyphOptions options, Drawing drawing, MemoryStream pixels, List<int> labels)
    {
        for (var variant = 0; variant < options.Variants; variant++)
        {
            for (var label = 0; label < paths.Count; label++)
            {
                var random = new StableRandom(StableRandom.Key(Convert.ToUInt64(FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(file))[..16], 16), (ulong)options.DrawingSeed, (ulong)((variant * paths.Count) + label)));
                pixels.Write(drawing.Of(paths[label], ref random));
                labels.Add(label);
            }
        }
    }

    private sealed class Drawing(int size) : IDisposable
    {
        private readonly SKBitmap _bitmap = new(size, size, SKColorType.Gray8, SKAlphaType.Opaque);
        private readonly SKPaint _paint = new() { IsAntialias = true, Color = SKColors.White };

        // The larger side fills 60 to 85 % of the image; turned by up to 8 degrees; off centre by up to 6 % of the image.
        public ReadOnlySpan<byte> Of(SKPath path, ref StableRandom random)
        {
            var bounds = path.TightBounds;
            var scale = (float)(0.6 + (0.25 * random.Unit())) * size / Math.Max(1e-3f, Math.Max(bounds.Width, bounds.Height));
            var (turn, right, down) = ((float)((random.Unit() * 16) - 8), Offset(ref random), Offset(ref random));
            using var canvas = new SKCanvas(_bitmap);
            canvas.Clear(SKColors.Black);
            canvas.Translate((size / 2f) + right, (size / 2f) + down);
            canvas.RotateDegrees(turn);
            canvas.Scale(scale);
            canvas.Translate(-bounds.MidX, -bounds.MidY);
            canvas.DrawPath(path, _paint);
            canvas.Flush();
            return _bitmap.GetPixelSpan();
        }

        public void Dispose()
        {
            _bitmap.Dispose();
            _paint.Dispose();
        }

        private float Offset(ref StableRandom random) => (float)((random.Unit() * 0.12) - 0.06) * size;
    }
}
