using System.Text;
using DistillSharp.Methods;

namespace DistillSharp.Tests.Methods;

public sealed class MethodDocumentTests
{
    private static readonly string[] Headings =
        ["## What it does", "## Formula", "## Options", "## Variant", "## Requirements", "## Worked example", "## Paper"];

    public static TheoryData<string> Names => [.. MethodCatalog.Default().Entries.Select(entry => entry.Name)];

    [Fact]
    public void Index_Table_EqualsTheCatalog() =>
        Documents.AssertGenerated("docs/methods/README.md", "<!-- methods: generated -->", "<!-- methods: end -->", Table());

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_EveryMethod_HasTheSameHeadings(string name)
    {
        var path = Documents.PathOf("docs", "methods", name + ".md");
        Assert.True(File.Exists(path), $"{path} is missing; its headings are {string.Join(", ", Headings)}");
        var lines = File.ReadAllLines(path);
        Assert.StartsWith($"# `{name}`", lines[0], StringComparison.Ordinal);
        Assert.Equal(Headings, lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)));
    }

    private static string Table()
    {
        var text = new StringBuilder("| method | what teaches | looks at | paper |\n|---|---|---|---|\n");
        foreach (var entry in MethodCatalog.Default().Entries)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"| [{entry.Name}]({entry.Name}.md) | {entry.Summary} | {Requirements(entry.Traits)} | {entry.Paper} |\n");
        }

        return text.ToString();
    }

    private static string Requirements(MethodTraits traits)
    {
        var words = new List<string> { traits.HasFlag(MethodTraits.UsesFeatures) ? "feature points" : "logits" };
        var more = new (MethodTraits Trait, string Word)[]
        {
            (MethodTraits.UsesLabels, "hard labels"),
            (MethodTraits.CouplesSamples, "whole batches"),
            (MethodTraits.NeedsTeacherParameters, "the teacher's parameters"),
            (MethodTraits.UsesSampleIds, "sample ids"),
            (MethodTraits.NeedsRotations, "quarter turns of square images"),
            (MethodTraits.ReadsNoTeacher, "no teacher"),
        };
        words.AddRange(more.Where(entry => traits.HasFlag(entry.Trait)).Select(entry => entry.Word));
        return string.Join(", ", words);
    }
}
