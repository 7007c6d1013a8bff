using DistillSharp.Data;
using DistillSharp.Vision;
using SkiaSharp;

namespace DistillSharp.Tests.Vision;

/// <summary>Images that are drawn here: what is on them, and that they are the same each time.</summary>
public sealed class DrawnDatasetTests
{
    private static readonly DataLocator Nowhere = new(null);

    [Fact]
    public void Glyphs_EveryFont_GivesEveryClassItsVariants()
    {
        var (train, test) = Glyphs(new GlyphOptions { Variants = 3 });
        foreach (var set in new[] { train, test })
        {
            var labels = Enumerable.Range(0, set.Count).Select(set.Label).CountBy(label => label).ToDictionary();
            Assert.Equal(36, labels.Count);
            Assert.Single(labels.Values.Distinct());
            Assert.Equal(0, labels[0] % 3);
        }

        Assert.Equal([1L, 32L, 32L], train.Info.InputShape);
        Assert.Equal("Z", train.Info.Classes[35]);
    }

    [Fact]
    public void Glyphs_EveryImage_HasInkAndBackgroundAndAllOfTheCharacter()
    {
        var (train, _) = Glyphs(new GlyphOptions());
        for (var i = 0; i < train.Count; i++)
        {
            var image = train.Bytes(i);
            Assert.InRange(image.ToArray().Count(pixel => pixel > 127), 10, 700);
            // Nothing is cut off at the border: it would be ink in a corner row.
            Assert.True(image[..32].ToArray().Count(pixel => pixel > 127) < 16);
        }
    }

    [Fact]
    public void Glyphs_SameOptions_SameBytesAndAnotherSeedOthers()
    {
        Assert.Equal(Glyphs(new GlyphOptions()).Train.Sha256(), Glyphs(new GlyphOptions()).Train.Sha256());
        Assert.NotEqual(Glyphs(new GlyphOptions()).Train.Sha256(), Glyphs(new GlyphOptions { DrawingSeed = 1 }).Train.Sha256());
    }

    [Fact]
    public void Glyphs_MoreThanASetHolds_SaysSoBeforeDrawing()
    {
        var error = Assert.Throws<InvalidDataException>(() => Glyphs(new GlyphOptions { Size = 512, Variants = 1000 }));
        Assert.StartsWith("glyphs: a set holds at most 2,147,483,591 bytes (2 GiB), and the training set would take ", error.Message, StringComparison.Ordinal);
        Assert.Contains("`size` 512×512, 36 characters, `variants` 1000, ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WordDirection_Images_AreHalfTurnedAndTheSameEachTime()
    {
        var options = new WordDirectionOptions { Fonts = TestFonts.Folder, Train = 40, Test = 10 };
        var pair = WordDirectionDataset.Load(options, Nowhere);
        Assert.Equal(20, Enumerable.Range(0, 40).Count(i => pair.Train.Label(i) == 1));
        Assert.Equal([1L, 48L, 192L], pair.Test.Info.InputShape);
        Assert.Equal(pair.Train.Sha256(), WordDirectionDataset.Load(options, Nowhere).Train.Sha256());
    }

    [Fact]
    public void Draw_Turned_IsTheUprightImageUpsideDown()
    {
        using var typeface = SKTypeface.FromFile(Directory.EnumerateFiles(TestFonts.Folder, "*.ttf").Order(StringComparer.Ordinal).First());
        using var images = new WordImages(192);
        var (one, other) = (new StableRandom(5), new StableRandom(5));
        var upright = images.Draw("Umbrella 42", typeface, false, ref one).ToArray();
        var turned = images.Draw("Umbrella 42", typeface, true, ref other).ToArray();
        var width = Enumerable.Range(0, 192).Last(column => upright[(20 * 192) + column] != WordImages.Padding) + 1;

        var (there, back, away) = (new List<double>(), new List<double>(), new List<double>());
        for (var row = 4; row < 44; row++)
        {
            for (var column = 4; column < width - 4; column++)
            {
                there.Add(upright[(row * 192) + column]);
                back.Add(turned[((47 - row) * 192) + (width - 1 - column)]);
                away.Add(turned[(row * 192) + column]);
            }
        }

        Assert.True(MathNet.Numerics.Statistics.Correlation.Pearson(there, back) > 0.9);
        Assert.True(MathNet.Numerics.Statistics.Correlation.Pearson(there, away) < 0.7);
    }

    [Fact]
    public void Text_Drawn_UsesOnlyTheCharactersThatFontsAreAskedFor()
    {
        var random = new StableRandom(1);
        for (var i = 0; i < 500; i++)
        {
            Assert.All(WordImages.Text(ref random), character => Assert.True(character == ' ' || WordImages.Characters.Contains(character)));
        }
    }

    [Theory]
    [InlineData("8-bit Limit O BRK", "8-bit")]
    [InlineData("DB Layer 4 BRK", "DB")]
    [InlineData("Double Bogey BRK", "DB")]
    public void DesignOf_VariantsOfADesign_IsOne(string name, string design) => Assert.Equal(design, GlyphDataset.DesignOf(name));

    private static (Dataset Train, Dataset Test) Glyphs(GlyphOptions options)
    {
        var pair = GlyphDataset.Load(options with { Fonts = TestFonts.Folder }, Nowhere);
        return (pair.Train, pair.Test);
    }
}
