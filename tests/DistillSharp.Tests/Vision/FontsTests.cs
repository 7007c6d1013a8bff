using DistillSharp.Vision;

namespace DistillSharp.Tests.Vision;

/// <summary>Families of fonts: found by what their files can draw, and held out whole.</summary>
public sealed class FontsTests
{
    private static readonly FontFamily[] Named = [.. Enumerable.Range(0, 200).Select(i => new FontFamily($"family {i}", [$"{i}.ttf"]))];

    [Fact]
    public void Families_OfAFolder_GroupsFilesOfOneDesign()
    {
        var families = Fonts.Families(TestFonts.Folder, "ABC012");
        Assert.True(families.Count >= 2);
        Assert.Equal(families.Count, families.Select(family => family.Name).Distinct().Count());
        Assert.All(families, family => Assert.All(family.Files, file => Assert.True(File.Exists(file))));
    }

    [Theory]
    [InlineData("8-bit Limit BRK", "8-bit")]
    [InlineData("8-bit Limit RO BRK", "8-bit")]
    [InlineData("Amalgamate O BRK", "Amalgamate")]
    [InlineData("Tearful", "Tearful")]
    public void FirstWord_OfVariantsOfADesign_IsOne(string name, string family) => Assert.Equal(family, Fonts.FirstWord(name));

    [Fact]
    public void Families_ByARuleOfNames_KeepsVariantsTogether()
    {
        var (byName, ruled) = (Fonts.Families(TestFonts.Folder, "ABC012"), Fonts.Families(TestFonts.Folder, "ABC012", name => name.Contains("Serif", StringComparison.Ordinal) ? "serif" : "other"));
        Assert.Equal(["other", "serif"], ruled.Select(family => family.Name));
        Assert.Equal(byName.Sum(family => family.Files.Count), ruled.Sum(family => family.Files.Count));
    }

    [Fact]
    public void Families_OfAFolderWithoutFonts_SaysWhatIsNeeded()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "broken.ttf"), "no font");
        var error = Assert.Throws<InvalidDataException>(() => Fonts.Families(folder.Path, "ABC"));
        Assert.Contains("at least 2 are needed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Families_CharacterThatNoFontHas_FindsNone() =>
        Assert.Throws<InvalidDataException>(() => Fonts.Families(TestFonts.Folder, "A\uE123"));

    [Fact]
    public void Split_ManyFamilies_HoldsOutAboutTheShareAndNothingTwice()
    {
        var (train, test) = Fonts.Split(Named, 0.2, seed: 3);
        Assert.InRange(test.Count, 20, 60);
        Assert.Equal(Named.Select(family => family.Name).Order(StringComparer.Ordinal), train.Concat(test).Select(family => family.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Split_AnotherFamilyMore_MovesNoneOfTheOthers()
    {
        var before = Fonts.Split(Named, 0.2, seed: 3).Test.Select(family => family.Name).ToHashSet();
        var after = Fonts.Split([.. Named, new FontFamily("one more", [])], 0.2, seed: 3).Test.Select(family => family.Name).ToHashSet();
        Assert.Empty(before.Except(after));
        Assert.Subset(new HashSet<string> { "one more" }, after.Except(before).ToHashSet());
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.9)]
    public void Split_TwoFamilies_LeavesOneOnEachSide(double share)
    {
        var (train, test) = Fonts.Split(Named[..2], share, seed: 0);
        Assert.Single(train);
        Assert.Single(test);
    }
}
