using System.Text;
using DistillSharp.Text.Corpora;

namespace DistillSharp.Tests.Text.Corpora;

/// <summary>What becomes of indices that apt has fetched.</summary>
public sealed class DebianDescriptionsTests : IDisposable
{
    private static readonly string[] Languages = ["en", "it"];

    private static readonly Dictionary<string, string> Indices = new()
    {
        ["binary-amd64_Packages"] = "Package: tool\nSource: tools (1.2)\n",
        ["i18n_Translation-en"] = "Package: tool\nDescription-md5: 11\nDescription-en: tool for text\n",
        ["i18n_Translation-it"] = "Package: tool\nDescription-md5: 11\nDescription-it: strumento per testo\n",
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_WholeIndices_PairsDescriptions()
    {
        var (count, path) = DebianDescriptions.Write(Languages, Lists(Indices), _folder.Path);

        Assert.Equal(1, count);
        Assert.Equal([new SentencePair("tool for text", "strumento per testo", "tools")], ParallelFiles.ReadTable(path));
    }

    [Theory]
    [InlineData("binary-amd64_Packages", "", "no index of packages")]
    [InlineData("i18n_Translation-en", "", "no descriptions in English")]
    [InlineData("i18n_Translation-it", "Package: tool\nDescription-md5: 22\nDescription-it: altro\n", "no description in `it` of an English one")]
    public void Write_IncompleteIndices_KeepsTheFileOfBefore(string index, string text, string expected)
    {
        var before = _folder.Write("en-it.tsv.gz", "kept");

        var error = Assert.Throws<InvalidDataException>(() => DebianDescriptions.Write(Languages, Lists(new Dictionary<string, string>(Indices) { [index] = text }), _folder.Path));

        Assert.Contains(expected, error.Message);
        Assert.Equal("kept", File.ReadAllText(before));
        Assert.Equal(["en-it.tsv.gz"], _folder.Files);
    }

    private string Lists(Dictionary<string, string> indices)
    {
        var lists = Directory.CreateDirectory(_folder.File("lists")).FullName;
        foreach (var (name, text) in indices)
        {
            File.WriteAllBytes(Path.Combine(lists, $"mirror.example_debian_dists_stable_main_{name}.lz4"), Frame(Encoding.UTF8.GetBytes(text)));
        }

        return lists;
    }

    // An LZ4 frame with one block that is stored as it is; none where there is nothing.
    private static byte[] Frame(byte[] bytes)
    {
        byte[] block = bytes.Length == 0 ? [] : [.. BitConverter.GetBytes(0x80000000 | (uint)bytes.Length), .. bytes];
        return [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82, .. block, 0, 0, 0, 0];
    }
}
