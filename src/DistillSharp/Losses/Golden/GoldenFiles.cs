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

    /// <summary>Every <c>*.json</c> of a folder and the folders below it, by relative name. What is in a file tells its kind, not its place.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public static IReadOnlyList<GoldenFile> In(string folder) => Directory.Exists(folder)
        ? [.. Directory.GetFiles(folder, "*.json", SearchOption.AllDirectories)
            .Select(path => new GoldenFile(Path.GetRelativePath(folder, path).Replace('\\', '/'), () => File.ReadAllText(path)))
            .OrderBy(file => file.Name, StringComparer.Ordinal)]
        : throw new DirectoryNotFoundException($"there is no folder `{folder}`; it must hold *.json files of losses or metrics");
}
