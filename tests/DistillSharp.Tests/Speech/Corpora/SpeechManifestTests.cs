using System.Text;
using DistillSharp.Config;
using DistillSharp.Speech.Corpora;

namespace DistillSharp.Tests.Speech.Corpora;

public sealed class SpeechManifestTests
{
    [Fact]
    public void Read_JsonLines_GivesEveryField()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("m.jsonl", "{\"path\": \"a/b.wav\", \"text\": \"hé \\\"x\\\"\", \"duration\": 1.5, \"speaker\": \"s1\"}\n\n{\"path\": \"c.wav\", \"text\": null}\n");
        var read = SpeechManifest.Read(path).ToList();
        Assert.Equal(new SpeechUtterance(Path.Combine(folder.Path, "a", "b.wav"), "hé \"x\"", 1.5, "s1") { Key = "a/b.wav" }, read[0]);
        Assert.Equal(new SpeechUtterance(folder.File("c.wav"), null, 0, "") { Key = "c.wav" }, read[1]);
    }

    [Fact]
    public void Read_Csv_FindsColumnsByNameAndUnquotes()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("m.csv", "text,path,duration\n\"yes, \"\"no\"\"\",x.wav,2\n,y.wav,\n");
        var read = SpeechManifest.Read(path).ToList();
        Assert.Equal(("yes, \"no\"", 2.0, folder.File("x.wav")), (read[0].Text, read[0].Duration, read[0].Path));
        Assert.Null(read[1].Text);
    }

    [Theory]
    [InlineData("m.jsonl", "{\"path\": \"a\"}\n{\"text\": \"b\"}\n", "line 2 has no `path`")]
    [InlineData("m.jsonl", "nonsense\n", "line 1 is no JSON object")]
    [InlineData("m.jsonl", "{\"path\": \"a\"}\nnull\n", "line 2 is no JSON object, but null")]
    [InlineData("m.jsonl", "{\"path\": \"a\", \"duration\": \"long\"}\n", "line 1: `duration` is `long`")]
    [InlineData("m.csv", "file,text\nx,y\n", "`path` must be one")]
    [InlineData("m.csv", "path,text\nx,y,z\n", "line 2 has 3 cells, the header 2")]
    [InlineData("m.csv", "path,text\nx,\"y\n", "not closed")]
    [InlineData("m.jsonl", "{\"path\": \"a\", \"text\": \"b\"}\n{\"path\": \"a\", \"transcription\": \"b\"}\n", "line 2 has `transcription` and no `text`")]
    [InlineData("m.jsonl", "{\"path\": \"a\", \"Text\": \"b\"}\n", "rename `Text` to `text`")]
    [InlineData("m.csv", "client_id,path,Sentence\n1,x,y\n", "line 1 has `sentence` and no `text`")]
    public void Read_WrongLines_AreNamed(string name, string content, string message)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write(name, content);
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => SpeechManifest.Read(path).ToList()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("m.jsonl", "{\"path\": \"a\"}\r\n", "{\"path\": \"b\", \"text\": \"caf\u00e9\"}")]
    [InlineData("m.csv", "path,text\r\n", "b,caf\u00e9\r\n")]
    public void Read_LinesThatAreNotUtf8_AreNamed(string name, string first, string second)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write(name, Encoding.Latin1.GetBytes(first + second));
        Assert.Contains($"{path}, line 2: not valid UTF-8", Assert.Throws<InvalidDataException>(() => SpeechManifest.Read(path).ToList()).Message, StringComparison.Ordinal);

        // The mark that some editors begin UTF-8 with changes nothing.
        folder.Write(name, '\uFEFF' + first + second);
        Assert.Equal("caf\u00e9", SpeechManifest.Read(path).Last().Text);
        folder.Write(name, [.. Encoding.UTF8.Preamble, .. Encoding.Latin1.GetBytes(first + second)]);
        Assert.Throws<InvalidDataException>(() => SpeechManifest.Read(path).ToList());
    }

    [Fact]
    public void ReadSounds_TranscriptsOfAnyName_AreNotRead()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("m.jsonl", "{\"path\": \"a.wav\", \"sentence\": \"x\"}\n{\"path\": \"b.wav\", \"text\": \"y\"}\n");
        var read = SpeechManifest.ReadSounds(path).ToList();
        Assert.Equal(2, read.Count);
        Assert.All(read, utterance => Assert.Null(utterance.Text));
    }

    [Fact]
    public void Read_SameListInOtherFolders_GivesTheSameKeys()
    {
        using var folder = new TemporaryFolder();
        var elsewhere = Path.GetFullPath(Path.Combine(folder.Path, "..", "elsewhere.wav"));
        List<string> Keys(string name)
        {
            var own = Directory.CreateDirectory(folder.File(name)).FullName;
            var paths = new[] { "clips/a.wav", "./clips/b.wav", "../c.wav", Path.Combine(own, "clips", "d.wav"), elsewhere };
            return [.. SpeechManifest.Read(folder.Write($"{name}/m.csv", "path\n" + string.Join('\n', paths))).Select(utterance => utterance.Key)];
        }

        Assert.Equal(["clips/a.wav", "clips/b.wav", "../c.wav", "clips/d.wav", elsewhere.Replace('\\', '/')], Keys("one"));
        Assert.Equal(Keys("one"), Keys("two"));
    }

    [Fact]
    public void Write_ThenVerify_FindsChangedAndMissingFiles()
    {
        using var folder = new TemporaryFolder();
        var (a, b) = (folder.Write("a.wav", "1"), folder.Write("b.wav", "2"));
        SpeechManifest.Write(folder.File("m.jsonl"), new[] { a, b }.Select(file => new SpeechUtterance(file, "été", 1, "x") { Sha256 = FileHash.Sha256(file) }));
        Assert.Empty(SpeechManifest.Verify(folder.File("m.jsonl")));
        Assert.Contains("\"été\"", File.ReadAllText(folder.File("m.jsonl")), StringComparison.Ordinal);
        Assert.Equal(a, SpeechManifest.Read(folder.File("m.jsonl")).First().Path);
        folder.Write("a.wav", "3");
        File.Delete(b);
        Assert.Equal(2, SpeechManifest.Verify(folder.File("m.jsonl")).Count());
    }
}
