using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Sequences;
using SkiaSharp;

namespace DistillSharp.Vision.Reading;

/// <summary>Options of <c>word_text</c>.</summary>
public sealed record WordTextOptions
{
    /// <summary>Folder of font files.</summary>
    [Option("folder of .ttf and .otf files; the fetched `fonts-text` by default", DataPath = true)]
    public string? Fonts { get; init; }

    /// <summary>Training images.</summary>
    [Option("training images; validation takes its share of them", Min = 2, Max = 70000)]
    public int Train { get; init; } = 4000;

    /// <summary>Test images.</summary>
    [Option("test images", Min = 2, Max = 70000)]
    public int Test { get; init; } = 1000;

    /// <summary>Share of the font families that the test set is drawn with.</summary>
    [Option("share of the font families that only the test set is drawn with", Min = 0.01, Max = 0.9)]
    public double TestShare { get; init; } = 0.3;

    /// <summary>Seed of the drawings and of the split of families.</summary>
    [Option("seed of the drawings and of the split of families", Min = 0)]
    public int DrawingSeed { get; init; }
}

/// <summary>Drawn words and their text.</summary>
/// <param name="Pixels">Grey bytes, image after image.</param>
/// <param name="Texts">What each says.</param>
internal sealed record WordTexts(byte[] Pixels, string[] Texts)
{
    /// <summary>Some of them.</summary>
    public WordTexts Part(int start, int count) =>
        new(Pixels[(start * WordTextCorpus.Size)..((start + count) * WordTextCorpus.Size)], Texts[start..(start + count)]);

    /// <summary>Hash of all of it.</summary>
    public string Sha256() => FileHash.Sha256([.. Pixels, .. System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Texts))]);
}

/// <summary>Words to read, in splits; test words are drawn with fonts that the others are not drawn with.</summary>
internal sealed record WordTextCorpus(WordTexts Train, WordTexts Validation, WordTexts Test) : IDomainData
{
    /// <summary>Width of an image in pixels.</summary>
    public const int Width = 256;

    /// <summary>Pixels of an image.</summary>
    public const int Size = Width * WordImages.Height;

    /// <inheritdoc/>
    public string Name => Entry.Name;

    /// <summary>The characters that are drawn.</summary>
    public static SymbolAlphabet Alphabet { get; } = new(" " + WordImages.Characters);

    /// <summary>Shape and symbols; the first class is CTC's blank.</summary>
    public static DatasetInfo Info { get; } = new("word_text", [1, WordImages.Height, Width], [CtcInfo.Blank, .. Alphabet.Symbols])
    {
        Ctc = new CtcInfo(Alphabet.Symbols, [], []),
        HasEqualLengths = true,
    };

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "word_text", "words drawn with ordinary fonts, to be read: 48x256 pixels, test fonts held out by family",
        "drawn here with Debian's packages of DejaVu, Liberation, FreeFont, Lato and Open Sans", typeof(WordTextOptions),
        _ => Info, (_, _) => throw new NotSupportedException("word_text is text to be read and has no table of samples and classes"))
    {
        Needs = "fonts-text",
        LoadDomain = (options, locator, split) => Load((WordTextOptions)options, locator, split),
    };

    /// <summary>Draws all splits.</summary>
    /// <exception cref="FileNotFoundException">No folder is given and the fonts were not fetched.</exception>
    /// <exception cref="InvalidDataException">The folder has fewer than two usable families.</exception>
    public static WordTextCorpus Load(WordTextOptions options, DataLocator locator, SplitRequest split)
    {
        var families = Fonts.Families(options.Fonts ?? locator.FindFetched("fonts-text"), WordImages.Characters);
        var (train, test) = Fonts.Split(families, options.TestShare, options.DrawingSeed);
        var whole = Draw(train, options.Train, options.DrawingSeed, 2);
        var validation = Math.Clamp((int)Math.Round(options.Train * split.Validation), 1, options.Train - 1);
        return new WordTextCorpus(
            whole.Part(validation, Math.Min(split.TrainSamples ?? int.MaxValue, options.Train - validation)), whole.Part(0, validation), Draw(test, options.Test, options.DrawingSeed, 3));
    }

    // A family is drawn first, then one of its files, so that a family of many weights is not most of the data.
    private static WordTexts Draw(IReadOnlyList<FontFamily> families, int count, int seed, int side)
    {
        var typefaces = families.Select(family => family.Files.Select(file => SKTypeface.FromFile(file)).ToList()).ToList();
        using var images = new WordImages(Width);
        var (pixels, texts) = (new byte[count * Size], new string[count]);
        for (var i = 0; i < count; i++)
        {
            var random = new StableRandom(StableRandom.Key((ulong)seed, (ulong)side, (ulong)i));
            var family = typefaces[random.Below(typefaces.Count)];
            var typeface = family[random.Below(family.Count)];
            texts[i] = WordImages.Text(ref random);
            images.Draw(texts[i], typeface, turned: false, ref random).CopyTo(pixels.AsSpan(i * Size));
        }

        typefaces.SelectMany(family => family).ToList().ForEach(typeface => typeface.Dispose());
        return new WordTexts(pixels, texts);
    }
}
