using System.Text.RegularExpressions;

namespace DistillSharp.Tests.Architecture;

/// <summary>Each folder of the library uses only the folders above it in this list (docs/architecture.md).</summary>
public sealed partial class FolderOrderTests
{
    private static readonly string[] Order =
    [
        "Config", "Data", "Models", "Sequences", "Signals", "Losses", "Methods", "Export", "Teachers", "Evaluation",
        "Runs", "Training", "Distributed", "Vision", "Text", "Speech", "Recipes", "Doctor",
    ];

    private static readonly string[] Domains = ["Vision", "Text", "Speech"];

    [Fact]
    public void Folders_EveryFile_UsesOnlyFoldersAbove()
    {
        var faults = SourceFiles().SelectMany(Faults).ToList();
        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
    }

    [Fact]
    public void Folders_EveryOne_HasAPlaceInTheOrder()
    {
        var unknown = SourceFiles().Select(file => file.Folder).Distinct().Where(folder => folder.Length > 0 && !Order.Contains(folder)).ToList();
        Assert.Empty(unknown);
    }

    [Fact]
    public void Namespaces_EveryFile_MatchItsFolder()
    {
        var faults = SourceFiles()
            .Select(file => (file.Path, Expected: Namespace(file.Relative), Found: NamespaceLine().Match(file.Text).Groups[1].Value))
            .Where(file => file.Found.Length > 0 && file.Found != file.Expected)
            .Select(file => $"{file.Path}: {file.Found}, should be {file.Expected}")
            .ToList();
        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
    }

    [Theory]
    [InlineData("Config", "using DistillSharp.Training;", false)]
    [InlineData("Training", "using DistillSharp.Config;", true)]
    [InlineData("Text", "using DistillSharp.Vision;", false)]
    public void Faults_KnownCases_AreJudged(string folder, string text, bool allowed)
    {
        var faults = Faults(new SourceFile("x.cs", "x.cs", folder, text));
        Assert.Equal(allowed, !faults.Any());
    }

    private static IEnumerable<string> Faults(SourceFile file)
    {
        var own = Array.IndexOf(Order, file.Folder);
        if (own < 0)
        {
            yield break;
        }

        foreach (var used in Mention().Matches(file.Text).Select(match => match.Groups[1].Value).Distinct())
        {
            var other = Array.IndexOf(Order, used);
            if (other > own || (other >= 0 && used != file.Folder && Domains.Contains(used) && Domains.Contains(file.Folder)))
            {
                yield return $"{file.Path} uses {used}, which is not above {file.Folder}";
            }
        }
    }

    private static List<SourceFile> SourceFiles()
    {
        var root = Path.Combine(Repository.Root, "src", "DistillSharp");
        return
        [
            .. Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
                .Select(path => (Path: path, Relative: Path.GetRelativePath(root, path)))
                .Where(file => !file.Relative.StartsWith("obj", StringComparison.Ordinal) && !file.Relative.StartsWith("bin", StringComparison.Ordinal))
                .Select(file => new SourceFile(file.Path, file.Relative, FirstFolder(file.Relative), File.ReadAllText(file.Path))),
        ];
    }

    private static string FirstFolder(string relative) => relative.Contains(Path.DirectorySeparatorChar) ? relative.Split(Path.DirectorySeparatorChar)[0] : "";

    private static string Namespace(string relative) =>
        string.Join('.', new[] { "DistillSharp" }.Concat(relative.Split(Path.DirectorySeparatorChar)[..^1]));

    [GeneratedRegex(@"\bDistillSharp\.([A-Z][A-Za-z]+)")]
    private static partial Regex Mention();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    private sealed record SourceFile(string Path, string Relative, string Folder, string Text);
}
