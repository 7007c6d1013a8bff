using System.Text;
using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Tokenization;
using Microsoft.ML.Tokenizers;

namespace DistillSharp.Tests.Text.Tokenization;

public sealed class BytePairEncodingTests
{
    private static readonly string[] Hard =
    [
        "", " ", "The old houses fall.", "il gatto è nero — davvero?", "don't we'll  two  spaces \t tab\n", "日本語 한국어 العربية हिन्दी", "😀 👩‍👩‍👧 e\u0301", "a\u0000b\u00a0c\u2028d",
        "x86_64 3.14 v2", new string('a', 3000), "\uE003 and \uE009",
    ];

    private static readonly string[] Texts = [.. ToyPhrases.Load(new ToyPhrasesOptions(), new SplitRequest(0.1, 0, null)).Train.SelectMany(pair => new[] { pair.Source, pair.Target })];

    [Fact]
    public void Learn_Words_JoinsTheMostFrequentPairFirst()
    {
        // low ×5, lower ×2, newest ×6, widest ×3: the example of Sennrich et al., here with the space before a word.
        var words = Enumerable.Repeat(" low", 5).Concat(Enumerable.Repeat(" lower", 2)).Concat(Enumerable.Repeat(" newest", 6)).Concat(Enumerable.Repeat(" widest", 3));

        var merges = BytePairEncoding.Learn(words, 10_000).Merges;

        // es and st occur 9 times; e comes before s.
        Assert.Equal([("e", "s"), ("es", "t"), ("l", "o")], merges.Take(3));
    }

    [Fact]
    public void Learn_AnyPairOfTheCorpus_IsCountedRight()
    {
        // Against counting everything anew for each merge.
        var learned = BytePairEncoding.Learn(Texts, 420);
        var pieces = Texts.SelectMany(BytePairEncoding.Pieces).GroupBy(piece => piece).Select(group => (Symbols: Encoding.UTF8.GetBytes(group.Key).Select(value => ByteLetters.Of(value).ToString()).ToList(), Count: group.LongCount())).ToList();
        foreach (var merge in learned.Merges)
        {
            var best = pieces.SelectMany(piece => piece.Symbols.Zip(piece.Symbols.Skip(1)).Select(pair => (pair, piece.Count))).GroupBy(entry => entry.pair)
                .Select(group => (group.Key, Count: group.Sum(entry => entry.Count))).OrderByDescending(entry => entry.Count)
                .ThenBy(entry => entry.Key.First, StringComparer.Ordinal).ThenBy(entry => entry.Key.Second, StringComparer.Ordinal).First();
            Assert.Equal(best.Key, merge);
            foreach (var (symbols, _) in pieces)
            {
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    if ((symbols[i], symbols[i + 1]) == merge)
                    {
                        symbols[i] += symbols[i + 1];
                        symbols.RemoveAt(i + 1);
                    }
                }
            }
        }
    }

    [Fact]
    public void Encode_EveryCharacterAndHardTexts_RoundTrip()
    {
        var encoding = BytePairEncoding.Learn(Texts, 500);

        Assert.All(Hard.Concat(Texts.Take(200)), text => Assert.Equal(text, encoding.Decode(encoding.Encode(text))));
        var all = string.Concat(Enumerable.Range(0, 0x10FFFF).Where(Rune.IsValid).Where(value => value % 7 == 0 || value < 0x3000).Select(value => new Rune(value).ToString()));
        Assert.Equal(all, encoding.Decode(encoding.Encode(all)));
    }

    [Fact]
    public void Save_MicrosoftTokenizers_CutsTheSame()
    {
        using var folder = new TemporaryFolder();
        var encoding = BytePairEncoding.Learn(Texts, 500);
        VocabularyFiles.Save(encoding, folder.Path);

        var theirs = BpeTokenizer.Create(new BpeOptions(folder.File(VocabularyFiles.Vocabulary), folder.File(VocabularyFiles.Merges))
        {
            ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(new System.Text.RegularExpressions.Regex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), null),
        });

        Assert.All(Hard[..^1].Concat(Texts.Take(300)), text => Assert.Equal(theirs.EncodeToIds(text), encoding.Encode(text)));
    }

    [Fact]
    public void Save_HuggingFaceTokenizers_CutTheSame()
    {
        using var folder = new TemporaryFolder();
        var encoding = BytePairEncoding.Learn(Texts, 500);
        VocabularyFiles.Save(encoding, folder.Path);
        var theirs = new Tokenizers.DotNet.Tokenizer(folder.File(VocabularyFiles.Tokenizer));

        // A zero byte ends a text for their .NET binding.
        var hard = Hard.Where(text => !text.Contains('\0'));
        Assert.All(hard.Concat(Texts.Take(300)).Concat(InContext(CorpusCharacters())), text => Assert.Equal(theirs.Encode(text).Select(id => (int)id), encoding.Encode(text)));
    }

    [Fact]
    public void Encode_EveryCharacterOfTheCorpora_RoundTrips()
    {
        var encoding = BytePairEncoding.Learn(Texts.Concat(InContext(CorpusCharacters())), 600);

        Assert.All(InContext(CorpusCharacters()), text => Assert.Equal(text, encoding.Decode(encoding.Encode(text))));
    }

    // Every character of Debian's package descriptions in English and Italian, both sides of the corpus.
    private static IEnumerable<string> CorpusCharacters() =>
        File.ReadAllText(Repository.File("tests", "DistillSharp.Tests", "Text", "Tokenization", "characters-en-it.txt")).EnumerateRunes().Select(rune => rune.ToString());

    private static IEnumerable<string> InContext(IEnumerable<string> characters) =>
        characters.SelectMany(character => new[] { character, " " + character, $"a{character}b", $"1{character} {character}{character}.", $"{character}\u0301  {character}'s" });

    [Fact]
    public void Load_SavedFiles_AreTheSameVocabulary()
    {
        using var folder = new TemporaryFolder();
        var encoding = BytePairEncoding.Learn(Texts, 450);
        VocabularyFiles.Save(encoding, folder.Path);

        var loaded = VocabularyFiles.Load(folder.Path);

        Assert.Equal(encoding.Sha256, loaded.Sha256);
        Assert.Equal(encoding.Encode(Texts[7]), loaded.Encode(Texts[7]));
        using var json = JsonDocument.Parse(File.ReadAllText(folder.File(VocabularyFiles.Tokenizer)));
        Assert.Equal(encoding.Size, json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().Count());
        Assert.Equal(encoding.Merges.Count, json.RootElement.GetProperty("model").GetProperty("merges").GetArrayLength());
    }

    [Fact]
    public void Load_TwoNumbersExchanged_IsAnotherVocabulary()
    {
        using var folder = new TemporaryFolder();
        var learned = BytePairEncoding.Learn(Texts, 400);
        VocabularyFiles.Save(learned, folder.Path);
        var numbers = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(folder.File(VocabularyFiles.Vocabulary)))!;
        var (first, second) = (learned.Tokens[380], learned.Tokens[381]);
        (numbers[first], numbers[second]) = (numbers[second], numbers[first]);
        folder.Write(VocabularyFiles.Vocabulary, JsonSerializer.Serialize(numbers));

        Assert.NotEqual(learned.Sha256, VocabularyFiles.Load(folder.Path).Sha256);
    }

    [Fact]
    public void Learn_Vocabulary_IsNamedByItsMerges()
    {
        var learned = BytePairEncoding.Learn(Texts, 400);

        var merges = string.Join('\n', learned.Merges.Select(merge => $"{merge.Left} {merge.Right}"));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(merges))), learned.Sha256);
    }

    [Fact]
    public void Load_DamagedFiles_SayWhere()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => VocabularyFiles.Load(folder.Path));
        VocabularyFiles.Save(BytePairEncoding.Learn(Texts, 400), folder.Path);
        File.AppendAllText(folder.File(VocabularyFiles.Merges), "q zzz\n");
        Assert.Contains("must be two subwords", Assert.Throws<InvalidDataException>(() => VocabularyFiles.Load(folder.Path)).Message);
        folder.Write(VocabularyFiles.Vocabulary, "{\"a\": 0}");
        Assert.Contains("without gaps", Assert.Throws<InvalidDataException>(() => VocabularyFiles.Load(folder.Path)).Message);
    }

    [Theory]
    [InlineData("Open %s in {0}", "\uE000", 2)]
    [InlineData("100% sure", "100% sure", 0)]
    [InlineData("See <b>here</b> at https://debian.org/x.", "at \uE002.", 3)]
    [InlineData("${home} and $(user), ${home}", "\uE000 and \uE001, \uE000", 2)]
    [InlineData("%(name)s has {0:.2f} of {user.name}", "\uE000 has \uE001 of \uE002", 3)]
    [InlineData("%s of %s in {items[0]!r}", "\uE000 of \uE000 in \uE001", 2)]
    [InlineData("a \uE004 of %s", "a \uE000 of \uE001", 2)]
    [InlineData("{note: read on}", "{note: read on}", 0)]
    public void Hide_Marks_BecomeLetters(string text, string part, int count)
    {
        var (hidden, values) = Placeholders.Hide(text);

        Assert.Contains(part, hidden);
        Assert.Equal(count, values.Count);
        Assert.Equal(text, Placeholders.Show(hidden, values));
    }

    [Fact]
    public void Show_LostInventedAndRepeated_AreMended()
    {
        Assert.Equal("file: x %s", Placeholders.Show("file: \uE005x", [new("%s", 1)]));
        Assert.Equal("%s von %s", Placeholders.Show("\uE000 von", [new("%s", 2)]));
        Assert.Equal("%s, ", Placeholders.Show("\uE000, \uE000", [new("%s", 1)]));
    }

    [Fact]
    public void Hide_LettersThatNothingStandsFor_AreNotTakenForPlaceholders()
    {
        var (hidden, values) = Placeholders.Hide(string.Concat(Enumerable.Range(0, 10).Select(i => $"{{{i}}} ")) + "\uE000");

        Assert.Equal(10, values.Count);
        Assert.Equal('\uFFFD', hidden[^1]);
        Assert.Equal(("a \uFFFD", "b"), Placeholders.Hide("a \uE000", "b"));
    }

    [Fact]
    public void Hide_Pair_SharesLettersOnlyWhereBothHaveTheSame()
    {
        Assert.Equal(("Copy \uE000 to \uE001", "In \uE001 copia \uE000"), Placeholders.Hide("Copy %s to %d", "In %d copia %s"));
        Assert.Equal(("Copy %s", "Copia"), Placeholders.Hide("Copy %s", "Copia"));
    }
}
