using System.Text;
using DistillSharp.Data;
using DistillSharp.Text.Corpora;

namespace DistillSharp.Tests.Text.Corpora;

public sealed class ParallelCorpusTests
{
    private static readonly SplitRequest Split = new(0.2, 0, null);

    [Fact]
    public void Create_GroupsAndLeaks_AreKeptApart()
    {
        var pairs = Enumerable.Range(0, 600).Select(i => new SentencePair($"Sentence number {i % 450}", $"Frase numero {i % 450} variante {i / 450}", $"group {i % 97}"));

        var corpus = ParallelCorpus.Create("x", pairs, null, Split, new ToyPhrasesOptions { TestShare = 0.2 });

        var groups = new[] { corpus.Train, corpus.Validation, corpus.Test }.Select(part => part.Select(pair => pair.Group).ToHashSet()).ToList();
        Assert.Empty(groups[0].Intersect(groups[1]).Concat(groups[0].Intersect(groups[2])).Concat(groups[1].Intersect(groups[2])));
        Assert.Empty(corpus.Train.Select(pair => PairFilter.Normalise(pair.Source)).Intersect(corpus.Test.Select(pair => PairFilter.Normalise(pair.Source))));
        Assert.True(corpus.Dropped["occurs in training"] > 0);
        Assert.Equal(ParallelCorpus.Sha256(corpus.Test), ParallelCorpus.Sha256(ParallelCorpus.Create("x", pairs, null, Split with { TrainSamples = 50 }, new ToyPhrasesOptions { TestShare = 0.2 }).Test));
    }

    [Fact]
    public void Create_NothingIsLeft_SaysWhy()
    {
        var error = Assert.Throws<InvalidDataException>(() => ParallelCorpus.Create("x", [new("a", "a", "g"), new("", "b", "g")], null, Split, new ToyPhrasesOptions()));

        Assert.Contains("1 copy, 1 empty side", error.Message);
        Assert.Contains("min_ratio or max_ratio", error.Message);
    }

    [Fact]
    public void Apply_EachReason_IsCounted()
    {
        var filter = new PairFilter(new ToyPhrasesOptions { MinWords = 2, MaxWords = 4 });
        var kept = filter.Apply([
            new("one  two", " uno due", ""), new("one two", "uno due", ""), new("one", "uno", ""), new("a b c d e", "a b c", ""),
            new("a b c d", "x", ""), new("a b", "a b", ""), new("", "x y", ""), new("a b", "q w e r t y", ""), new("a b c d", "w w", ""),
        ]).ToList();

        Assert.Equal(["one two", "a b c d"], kept.Select(pair => pair.Source));
        Assert.Equal(1, filter.Dropped["duplicate"]);
        Assert.Equal(2, filter.Dropped["too long"]);
        Assert.Equal(2, filter.Dropped["too short"]);
        Assert.Equal(1, filter.Dropped["copy"]);
        Assert.Equal(1, filter.Dropped["empty side"]);
    }

    [Fact]
    public void Apply_TextWithoutSpaces_IsBoundedByItsCharacters()
    {
        var filter = new PairFilter(new ToyPhrasesOptions { MaxWords = 10 });
        var kept = filter.Apply([new(new string('a', 400), "b", ""), new(new string('a', 401), "b", "")]).ToList();

        Assert.Equal(400, Assert.Single(kept).Source.Length);
        Assert.Equal(1, filter.Dropped["too long"]);
    }

    [Theory]
    [InlineData("I met a friend in Tokyo yesterday.", "私は昨日、東京で友達に会いました。", true)]
    [InlineData("Could not open the file", "ファイルを開けませんでした", true)]
    [InlineData("The weather is very good today, let us go to the park", "今天天气很好，我们去公园吧。", true)]
    [InlineData("The weather is very good today, let us go to the park", "天气", false)]
    [InlineData("Yes", "我们明天再说吧，今天太晚了。", false)]
    public void Apply_ChineseAndJapanese_AreMeasuredByTheirCharacters(string source, string target, bool fits)
    {
        var filter = new PairFilter(new ToyPhrasesOptions());
        Assert.Equal(fits ? 2 : 0, filter.Apply([new(source, target, ""), new(target, source, "")]).Count());
        Assert.Equal(fits ? 0 : 2, filter.Dropped.GetValueOrDefault("lengths do not fit"));
    }

    [Fact]
    public void Apply_SourcesAlone_AreBoundedAndNew()
    {
        var filter = new PairFilter(new ToyPhrasesOptions { MinWords = 2, MaxWords = 4 });
        string[] sources = ["one  two", "One two!", "one", "a b c d e", "", "Tested before.", $"two {new string('x', 200)}", "three four"];

        var kept = filter.Apply(sources, new HashSet<string> { "tested before" }).ToList();

        Assert.Equal(["one two", "three four"], kept);
        Assert.Equal(["1 duplicate", "1 empty", "1 known from the data", "2 too long", "1 too short"], filter.Dropped.Select(entry => $"{entry.Value} {entry.Key}"));
    }

    [Fact]
    public void Normalise_CaseAndPunctuation_AreNothing() =>
        Assert.Equal(PairFilter.Normalise("A library,  for C++ – files!"), PairFilter.Normalise("a LIBRARY for c files"));

    [Fact]
    public void Align_Descriptions_PairsParagraphsItemsAndSentences()
    {
        const string English = "tool for text\n A tool. It is fast.\n It can:\n  * read files\n  * write\n    many files\n .\n The end.";
        const string Italian = "strumento per testo\n Uno strumento. È veloce.\n Esso può:\n  * leggere file\n  * scrivere\n    molti file\n .\n La fine.";

        var pairs = DebianParagraphs.Align(English, Italian).ToList();

        Assert.Equal(
            [("tool for text", "strumento per testo"), ("A tool.", "Uno strumento."), ("It is fast.", "È veloce."), ("It can:", "Esso può:"), ("read files", "leggere file"), ("write many files", "scrivere molti file"), ("The end.", "La fine.")],
            pairs);
        Assert.Equal([("tool for text", "strumento")], DebianParagraphs.Align(English, "strumento\n Un paragrafo."));
    }

    [Fact]
    public void Descriptions_Index_AreReadByHash()
    {
        var index = Encoding.UTF8.GetBytes("Package: a\nDescription-md5: 11\nDescription-it: breve\n lungo\n .\n altro\n\nPackage: b\nDescription-md5: 22\nDescription-it: due\n");

        var found = DebianParagraphs.Descriptions(index, "it");

        Assert.Equal(("a", "breve\n lungo\n .\n altro"), found["11"]);
        Assert.Equal(("b", "due"), found["22"]);
        var sources = new Dictionary<string, string>();
        DebianParagraphs.AddSources("Package: a\nVersion: 1\n\nPackage: b\nSource: base (1.2)\nDescription: x\n"u8.ToArray(), sources);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "a", ["b"] = "base" }, sources);
    }

    // By the format's description: two literals and an overlapping match of 15, then three last literals; and a stored block.
    [Fact]
    public void Unpack_Frames_GiveTheText()
    {
        byte[] matched = [0x04, 0x22, 0x4D, 0x18, 0x40, 0x40, 0xC0, 9, 0, 0, 0, 0x2B, (byte)'a', (byte)'b', 2, 0, 0x30, (byte)'x', (byte)'y', (byte)'z', 0, 0, 0, 0];
        byte[] stored = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82, 3, 0, 0, 0x80, (byte)'a', (byte)'b', (byte)'c', 0, 0, 0, 0];

        Assert.Equal(string.Concat(Enumerable.Repeat("ab", 8)) + "axyz", Encoding.UTF8.GetString(Lz4Frame.Unpack(matched, "m")));
        Assert.Equal("abc", Encoding.UTF8.GetString(Lz4Frame.Unpack(stored, "s")));
        Assert.Contains("not an LZ4 frame", Assert.Throws<InvalidDataException>(() => Lz4Frame.Unpack("hello world"u8, "h")).Message);
        Assert.Contains("cut off", Assert.Throws<InvalidDataException>(() => Lz4Frame.Unpack(matched.AsSpan(0, 15), "m")).Message);
    }

    [Fact]
    public void ToyPhrases_Agreement_IsRight()
    {
        var pairs = ToyPhrases.Load(new ToyPhrasesOptions(), Split).Train.ToDictionary(pair => pair.Source, pair => pair.Target);

        Assert.Contains(pairs, pair => pair.Key.StartsWith("the red house ", StringComparison.Ordinal) && pair.Value.StartsWith("la casa rossa ", StringComparison.Ordinal));
        Assert.Contains(pairs, pair => pair.Key.Contains("white cats") && pair.Value.Contains("gatti bianchi"));
        Assert.True(pairs.Count > 2500);
    }
}
