using DistillSharp.Sequences;
using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class TerTests
{
    [Theory]
    [InlineData("aaaa bbbb cccc dddd", "aaaa bbbb cccc dddd", 0)]
    [InlineData("dddd eeee ffff", "aaaa bbbb cccc", 1)]
    [InlineData("", "a", 1)]
    [InlineData("d e f g h a b c", "a b c d e f g h", 1.0 / 8)]
    [InlineData("b a", "a b", 1.0 / 2)]
    [InlineData("A b", "a B", 0)]
    [InlineData("a b", " ", 1)]
    [InlineData("", " ", 0)]
    [InlineData("x a b c y", "a b c", 2.0 / 3)]
    public void Sentence_KnownPairs_HaveTheirRate(string hypothesis, string reference, double rate) =>
        Assert.Equal(100 * rate, Ter.Sentence(hypothesis, [reference]), 1e-10);

    [Fact]
    public void Corpus_SeveralReferences_TakesTheNearestEditsAndTheMeanLength()
    {
        // Nearest reference 0 edits of 2 and 4 words; then 1 edit of 1 word: 1 / (3 + 1).
        Assert.Equal(25, Ter.Corpus(["a b", "x"], [["a b", "c d e f"], ["y", ""]]), 1e-10);
    }

    [Theory]
    [InlineData("a b (c) d.", false, false, "a b ( c ) d .")]
    [InlineData("Jim's car.", false, false, "jim 's car .")]
    [InlineData("4.2, a..5 &quot;x&quot;", false, false, "4.2 , a . .5 \" x \"")]
    [InlineData("美众院公布对特", true, false, "美 众 院 公 布 对 特")]
    [InlineData("りの拳銃を持", true, false, "りの 拳 銃 を 持")]
    [InlineData("你，好。「x」(y)!", true, true, "你 好 「x」 y")]
    public void Tokenize_Normalized_SplitsAndRemoves(string line, bool asian, bool noPunctuation, string words)
    {
        var tokenizer = new TerTokenizer(new TerOptions { Normalized = true, AsianSupport = asian, NoPunctuation = noPunctuation });
        Assert.Equal(words.Replace("「x」", "x", StringComparison.Ordinal), string.Join(' ', tokenizer.Tokenize(line)));
    }

    [Theory]
    [InlineData("A ; B ) C : D.", "a b c d")]
    [InlineData("", "")]
    public void Tokenize_PunctuationRemoved_LeavesTheWords(string line, string words) =>
        Assert.Equal(words, string.Join(' ', new TerTokenizer(new TerOptions { NoPunctuation = true }).Tokenize(line)));

    [Fact]
    public void Sentence_ReferenceOfDigitsAfterStops_IsTokenizedTwice()
    {
        var options = new TerOptions { Normalized = true };
        Assert.Equal(0, Ter.Sentence("a . . 5", ["a..5"], options));
        Assert.Equal(100.0 * 2 / 4, Ter.Sentence("a..5", ["a..5"], options), 1e-10);
    }

    [Fact]
    public void Count_RandomPairs_LiesBetweenShiftFreeBounds()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 100; trial++)
        {
            var (hypothesis, reference) = (Words(random), Words(random));
            var edits = TerEdits.Count(hypothesis, reference);
            Assert.InRange(edits, Math.Abs(hypothesis.Length - reference.Length), EditDistance.Between(reference, hypothesis));
        }
    }

    [Fact]
    public void Count_LongLines_EndsAtTheLimitOfCandidates()
    {
        // Every pair of positions matches, so that only the limits keep the search short.
        var (hypothesis, reference) = (Enumerable.Repeat("a", 400).Append("b").ToArray(), Enumerable.Repeat("a", 399).Prepend("b").ToArray());
        Assert.InRange(TerEdits.Count(hypothesis, reference), 1, 2);
        Assert.Equal(3000, TerEdits.Count([.. Enumerable.Repeat("x", 3000)], ["y"]));
    }

    [Fact]
    public void Signature_NamesEveryOption() =>
        Assert.Equal("nrefs:2|case:mixed|tok:tercom|norm:yes|punct:no|asian:yes", new Ter(new TerOptions { Normalized = true, NoPunctuation = true, AsianSupport = true, CaseSensitive = true }).Signature(2));

    private static string[] Words(Random random) => [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => ((char)('a' + random.Next(4))).ToString())];
}
