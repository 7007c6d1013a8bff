using System.Text;
using DistillSharp.Config;
using DistillSharp.Data;
using SkiaSharp;

namespace DistillSharp.Vision;

/// <summary>The fonts of one design (its weights and slopes), which training and test never share.</summary>
/// <param name="Name">The family's name in its files, or what it begins with.</param>
/// <param name="Files">Font files in the order of their names.</param>
public sealed record FontFamily(string Name, IReadOnlyList<string> Files);

/// <summary>Font files, found and split by family.</summary>
public static class Fonts
{
    private static readonly string[] Extensions = [".ttf", ".otf"];

    /// <summary>The families below a folder whose files have a shape for every one of <paramref name="characters"/>, by name.</summary>
    /// <param name="folder">Searched with the folders in it.</param>
    /// <param name="characters">Fonts that lack one of them are left out.</param>
    /// <param name="familyOf">Family by the name that a file gives itself; null where that is the family.</param>
    /// <exception cref="InvalidDataException">There are fewer than two, too few to hold one out.</exception>
    public static IReadOnlyList<FontFamily> Families(string folder, string characters, Func<string, string>? familyOf = null)
    {
        var files = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories) : [];
        var named = files
            .Where(file => Extensions.Contains(Path.GetExtension(file).ToLowerInvariant()))
            .OrderBy(Path.GetFileName, StringComparer.Ordinal)
            .Select(file => (File: file, Family: NameOf(file, characters) is { } name ? familyOf?.Invoke(name) ?? name : null))
            .Where(entry => entry.Family is not null);
        FontFamily[] families = [.. named.GroupBy(entry => entry.Family!).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => new FontFamily(group.Key, [.. group.Select(entry => entry.File)]))];
        return families.Length >= 2 ? families
            : throw new InvalidDataException($"{folder} has {families.Length} font families (.ttf, .otf) with all of the {characters.Length} characters that are drawn; at least 2 are needed, one to train and one to test with");
    }

    /// <summary>Families for training and for testing: which side one is on depends on its name and the seed alone, so that others do not move it.</summary>
    /// <param name="families">At least two.</param>
    /// <param name="testShare">Share of the families that are tested with, about.</param>
    /// <param name="seed">Another seed is another split.</param>
    public static (IReadOnlyList<FontFamily> Train, IReadOnlyList<FontFamily> Test) Split(IReadOnlyList<FontFamily> families, double testShare, int seed)
    {
        var ordered = families.OrderBy(family => Draw(family.Name, seed)).ToList();
        var test = Math.Clamp(ordered.Count(family => Draw(family.Name, seed) < testShare), 1, families.Count - 1);
        return ([.. ordered.Skip(test).OrderBy(family => family.Name, StringComparer.Ordinal)], [.. ordered.Take(test).OrderBy(family => family.Name, StringComparer.Ordinal)]);
    }

    /// <summary>The family where every variant names itself one ("8-bit Limit O BRK", "8-bit Limit RO BRK"): its first word.</summary>
    public static string FirstWord(string name) => name.Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? name;

    private static double Draw(string name, int seed)
    {
        var hash = FileHash.Sha256(Encoding.UTF8.GetBytes(name));
        return new StableRandom(StableRandom.Key(Convert.ToUInt64(hash[..16], 16), (ulong)seed)).Unit();
    }

    private static string? NameOf(string file, string characters)
    {
        using var typeface = SKTypeface.FromFile(file);
        if (typeface is null)
        {
            return null;
        }

        using var font = new SKFont(typeface);
        return font.ContainsGlyphs(characters) ? typeface.FamilyName : null;
    }
}
