using System.IO.Compression;
using System.Text;
using DistillSharp.Data;
using DistillSharp.Text.Corpora;

namespace DistillSharp.Tests.Text.Corpora;

public sealed class ParallelFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReadTable_TwoAndThreeColumns_AreTextAndGroup()
    {
        var pairs = ParallelFiles.ReadFile(Write("a.tsv", "The house.\tLa casa.\nA cat\tUn gatto\tpets\r\n")).ToList();

        Assert.Equal([new SentencePair("The house.", "La casa.", "the house"), new SentencePair("A cat", "Un gatto", "pets")], pairs);
    }

    [Fact]
    public void ReadTable_EmptyThirdColumn_HasTheSourceAsItsGroup() =>
        Assert.Equal(["one", "two", "pets"], ParallelFiles.ReadFile(Write("a.tsv", "One\tUno\t\nTwo\tDue\t \r\nA cat\tUn gatto\tpets\n")).Select(pair => pair.Group));

    [Theory]
    [InlineData("a\tb\nno tab here\n", "line 2", "0 tabs")]
    [InlineData("a\tb\tc\td\n", "line 1", "3 tabs")]
    public void ReadTable_OtherColumns_NamesTheLine(string text, string line, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => ParallelFiles.ReadFile(Write("a.tsv", text)).ToList());

        Assert.Contains(line, error.Message);
        Assert.Contains(why, error.Message);
    }

    [Fact]
    public void ReadAligned_GzipAndPlain_PairsLines()
    {
        var source = Path.Combine(_folder.Path, "a.en.gz");
        using (var packed = new GZipStream(File.Create(source), CompressionLevel.Fastest))
        {
            packed.Write("one\ntwo"u8);
        }

        Assert.Equal(["one=uno", "two=due"], ParallelFiles.ReadAligned(source, Write("a.it", "uno\ndue\n")).Select(pair => $"{pair.Source}={pair.Target}"));
    }

    [Fact]
    public void ReadAligned_UnequalLines_SaysBothCounts()
    {
        var error = Assert.Throws<InvalidDataException>(() => ParallelFiles.ReadAligned(Write("a", "1\n2\n"), Write("b", "1\n2\n3\n4\n")).ToList());

        Assert.Contains("ends after 2", error.Message);
        Assert.Contains("has 4", error.Message);
    }

    [Fact]
    public void Read_InvalidUtf8_NamesTheLine()
    {
        var path = Path.Combine(_folder.Path, "latin1.txt");
        File.WriteAllBytes(path, [.. "fine\n"u8, (byte)'c', (byte)'a', 0xE9, (byte)'\n']);

        var error = Assert.Throws<InvalidDataException>(() => TextLines.Read(path).ToList());

        Assert.Contains("line 2", error.Message);
        Assert.Contains("byte 3", error.Message);
    }

    [Theory]
    [InlineData("within its data")]
    [InlineData("behind its data")]
    [InlineData("in its checksum")]
    public void Read_DamagedGzip_NamesTheFile(string where)
    {
        var whole = Packed(string.Concat(Enumerable.Range(0, 5000).Select(i => $"sentence number {i}\n")));
        byte[] damaged = where switch
        {
            "within its data" => whole[..(whole.Length / 2)],
            "behind its data" => whole[..^8],
            _ => [.. whole[..^8], (byte)(whole[^8] ^ 1), .. whole[^7..]],
        };
        var path = Path.Combine(_folder.Path, "a.en.gz");
        File.WriteAllBytes(path, damaged);

        var error = Assert.Throws<InvalidDataException>(() => TextLines.Read(path).ToList());

        Assert.Contains($"{path}: the gzip file is damaged or cut off", error.Message);
    }

    [Fact]
    public void Read_GzipOfTwoMembers_GivesTheLinesOfBoth()
    {
        var path = Path.Combine(_folder.Path, "a.en.gz");
        byte[] members = [.. Packed("one\ntw"), .. Packed("o\nthree\n")];
        File.WriteAllBytes(path, members);

        Assert.Equal(["one", "two", "three"], TextLines.Read(path));
    }

    [Fact]
    public void Read_LongLineAcrossBuffers_IsOneLine()
    {
        var word = string.Concat(Enumerable.Repeat("parola è ", 10_000));

        Assert.Equal([word, "end"], TextLines.Read(Write("long.txt", $"{word}\nend")));
    }

    [Fact]
    public void ReadPo_FuzzyObsoleteAndPlural_GivesWhatIsTranslated()
    {
        const string Text = """
            # header
            msgid ""
            msgstr "Content-Type: text/plain; charset=UTF-8\n"

            #: a.c:1
            msgid "Open %s"
            msgstr "Apri %s"

            #, fuzzy
            msgid "Close"
            msgstr "Apri"

            msgid "untranslated"
            msgstr ""

            msgctxt "menu"
            msgid ""
            "two "
            "lines"
            msgstr ""
            "due "
            "righe"

            msgid "%d file"
            msgid_plural "%d files"
            msgstr[0] "%d file solo"
            msgstr[1] "%d file tutti"

            #~ msgid "old"
            #~ msgstr "vecchio"
            """;

        Assert.Equal(["Open %s=Apri %s", "two lines=due righe", "%d file=%d file solo"], ParallelFiles.ReadFile(Write("a.po", Text)).Select(pair => $"{pair.Source}={pair.Target}"));
    }

    [Fact]
    public void ReadPo_FuzzyObsoleteMessage_LeavesTheNextOneIn()
    {
        const string Text = """
            #, fuzzy
            #~ msgid "old"
            #~ msgstr "vecchio"

            msgid "new"
            msgstr "nuovo"
            """;

        Assert.Equal(["new=nuovo"], ParallelFiles.ReadFile(Write("a.po", Text)).Select(pair => $"{pair.Source}={pair.Target}"));
    }

    [Fact]
    public void ReadPo_TabOrNothingBehindAKeyword_IsRead()
    {
        const string Text = "msgid\t\"the\"\nmsgstr\t\"il\"\nmsgctxt\"menu\"\nmsgid\"%d file\"\nmsgid_plural\"%d files\"\nmsgstr [0]\"uno\"\nmsgstr[1]\t\"molti\"\nmsgid \"end\"\nmsgstr\"fine\"\n";

        Assert.Equal(["the=il", "%d file=uno", "end=fine"], ParallelFiles.ReadFile(Write("a.po", Text)).Select(pair => $"{pair.Source}={pair.Target}"));
    }

    [Theory]
    [InlineData("msgidx \"b\"")]
    [InlineData("msgid_plurals \"b\"")]
    [InlineData("msgstr[x] \"b\"")]
    public void ReadPo_UnknownKeyword_NamesTheLine(string line) =>
        Assert.Contains("a.po, line 2", Assert.Throws<InvalidDataException>(() => ParallelFiles.ReadFile(Write("a.po", $"msgid \"a\"\n{line}\nmsgstr \"c\"\n")).ToList()).Message);

    [Fact]
    public void ReadPo_OtherText_NamesTheLine() =>
        Assert.Contains("line 2", Assert.Throws<InvalidDataException>(() => ParallelFiles.ReadFile(Write("a.po", "msgid \"a\"\nhello\n")).ToList()).Message);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadMo_EitherByteOrder_GivesTheMessages(bool bigEndian)
    {
        var path = Path.Combine(_folder.Path, "app.mo");
        var file = Catalogue(bigEndian, ("", "Language: it"), ("menu\u0004Open", "Apri"), ("%d file\0%d files", "%d file\0%d dei file"), ("none", ""));
        File.WriteAllBytes(path, file);

        Assert.Equal([new SentencePair("Open", "Apri", "open"), new SentencePair("%d file", "%d file", "d file")], ParallelFiles.ReadFile(path));

        File.WriteAllBytes(path, file[..^4]);
        Assert.Contains("cut off", Assert.Throws<InvalidDataException>(() => ParallelFiles.ReadFile(path).ToList()).Message);
    }

    [Fact]
    public void Load_Catalogue_IsSplitByMessage()
    {
        var path = Write("app.po", string.Concat(Enumerable.Range(0, 400).Select(i => $"msgid \"Open file number {i}\"\nmsgstr \"Apri il documento {i}\"\n\n")));

        var corpus = OwnParallelText.Load(new ParallelTextOptions { Train = path, TestShare = 0.2 }, new SplitRequest(0.2, 0, null));

        Assert.All(new[] { corpus.Train, corpus.Validation, corpus.Test }, part => Assert.InRange(part.Count, 40, 300));
    }

    private static byte[] Catalogue(bool bigEndian, params (string Source, string Target)[] messages)
    {
        var (strings, tables) = (new MemoryStream(), new List<int>());
        var start = 28 + (messages.Length * 16);
        foreach (var text in messages.Select(message => message.Source).Concat(messages.Select(message => message.Target)))
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            tables.AddRange([bytes.Length, start + (int)strings.Length]);
            strings.Write([.. bytes, 0]);
        }

        int[] words = [unchecked((int)0x950412DE), 0, messages.Length, 28, 28 + (messages.Length * 8), 0, 0, .. tables];
        return [.. words.SelectMany(word => bigEndian ? BitConverter.GetBytes(word).Reverse() : BitConverter.GetBytes(word)), .. strings.ToArray()[..^1]];
    }

    private static byte[] Packed(string text)
    {
        using var bytes = new MemoryStream();
        using (var packed = new GZipStream(bytes, CompressionLevel.Fastest))
        {
            packed.Write(Encoding.UTF8.GetBytes(text));
        }

        return bytes.ToArray();
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, text);
        return path;
    }
}
