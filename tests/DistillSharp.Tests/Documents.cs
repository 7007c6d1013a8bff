namespace DistillSharp.Tests;

/// <summary>The repository's documents, and how parts of them are compared with the code.</summary>
internal static class Documents
{
    /// <summary>Set to 1 to rewrite generated documents instead of comparing them.</summary>
    public const string Switch = "DISTILL_REGENERATE_DOCS";

    /// <summary>Folder of the solution.</summary>
    public static string Root => Repository.Root;

    public static string PathOf(params string[] parts) => Repository.File(parts);

    public static string Read(params string[] parts) => File.ReadAllText(PathOf(parts)).ReplaceLineEndings("\n");

    /// <summary>The lines strictly between two marker lines.</summary>
    public static string Between(string text, string start, string end)
    {
        var from = text.IndexOf(start + "\n", StringComparison.Ordinal);
        var to = from < 0 ? -1 : text.IndexOf(end, from + start.Length, StringComparison.Ordinal);
        Assert.True(to > 0, $"there is no `{start}` … `{end}`");
        return text[(from + start.Length + 1)..to];
    }

    /// <summary>Compares the part between two markers with what the code says, or rewrites it where the switch is set.</summary>
    public static void AssertGenerated(string path, string start, string end, string expected)
    {
        var text = Read(path.Split('/'));
        var found = Between(text, start, end);
        if (Environment.GetEnvironmentVariable(Switch) == "1")
        {
            File.WriteAllText(PathOf(path.Split('/')), text.Replace(start + "\n" + found + end, start + "\n" + expected + end, StringComparison.Ordinal));
            return;
        }

        Assert.True(found == expected, $"{path} does not say what the code says. Run the tests once with {Switch}=1 to rewrite it, and commit the change.\n{FirstDifference(found, expected)}");
    }

    private static string FirstDifference(string found, string expected)
    {
        var (has, wants) = (found.Split('\n'), expected.Split('\n'));
        var line = Enumerable.Range(0, Math.Min(has.Length, wants.Length)).FirstOrDefault(i => has[i] != wants[i], Math.Min(has.Length, wants.Length));
        return $"document: {has.ElementAtOrDefault(line) ?? "(ends)"}\ncode:     {wants.ElementAtOrDefault(line) ?? "(ends)"}";
    }
}
