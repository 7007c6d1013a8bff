namespace DistillSharp.Losses.Golden;

/// <summary>One file to prove: its name for messages, and its text read on demand.</summary>
public sealed record GoldenFile(string Name, Func<string> Read);

/// <summary>Where vector files come from: the ones inside this library, or a folder.</summary>
public static class GoldenFiles
{
    private const string ResourcePrefix = "golden/";

    /// <summary>The files of one kind (<c>losses</c> or <c>metrics</c>) shipped inside the library, by name.</summary>
    public static IReadOnlyList<GoldenFile> Embedded(string kind)
    {
        var assembly = typeof(GoldenFiles).Assembly;
        var prefix = $"{ResourcePrefix}{kind}/";
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => new GoldenFile(name[ResourcePrefix.Length..], () =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                    return reader.ReadToEnd();
                })),
        ];
    }

    /// <summary>
    /// The files of one kind below a folder: <c>folder/losses/*.json</c>. A folder without subfolders of either kind holds losses itself.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public static IReadOnlyList<GoldenFile> In(string folder, string kind)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"there is no folder `{folder}`; it must hold losses/*.json");
        }

        var below = Path.Combine(folder, kind);
        var plain = kind == "losses" && !Directory.Exists(below) && !Directory.Exists(Path.Combine(folder, "metrics"));
        var searched = plain ? folder : below;
        return !Directory.Exists(searched)
            ? []
            : [.. Directory.GetFiles(searched, "*.json").Order(StringComparer.Ordinal).Select(path =>
                new GoldenFile(plain ? Path.GetFileName(path) : $"{kind}/{Path.GetFileName(path)}", () => File.ReadAllText(path)))];
    }
}
