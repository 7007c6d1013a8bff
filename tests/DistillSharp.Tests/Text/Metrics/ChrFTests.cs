using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class ChrFTests
{
    [Fact]
    public void Corpus_HandWorkedPair_IsTheFScoreOfMeanPrecisionAndRecall()
    {
        // "abc" against "abd", orders 1 to 3: 2/3, 1/2 and 0/1 match on both sides, so that every F is the mean 7/18.
        Assert.Equal(100 * 7.0 / 18, ChrF.Corpus(["ab c"], [["a bd"]], new ChrFOptions { CharOrder = 3 }), 1e-10);

        // "ab" against "abcd": precision 1 and 1, recall 2/4 and 1/3; order 3 is in the reference alone and left out.
        var recall = ((2.0 / 4) + (1.0 / 3)) / 2;
        Assert.Equal(100 * 5 * recall / (4 + recall), ChrF.Corpus(["ab"], [["abcd"]], new ChrFOptions { CharOrder = 3 }), 1e-10);
        Assert.Equal(100 * 2 * recall / (1 + recall), ChrF.Corpus(["ab"], [["abcd"]], new ChrFOptions { CharOrder = 3, Beta = 1 }), 1e-10);
    }

    // Published with sacrebleu: beta 3, orders without n-grams count as epsilon or are left out.
    [Theory]
    [InlineData("abcdefg", "hijklmnop", 0, 0)]
    [InlineData("", "reference", 0, 0)]
    [InlineData("aa", "ab", 8.3333, 25)]
    [InlineData("a", "a", 16.6667, 100)]
    [InlineData("a b c", "abc", 50, 100)]
    public void Corpus_ShortTexts_DependOnTheSmoothing(string hypothesis, string reference, double epsilon, double effective)
    {
        Assert.Equal(epsilon, ChrF.Corpus([hypothesis], [[reference]], new ChrFOptions { Beta = 3, EpsilonSmoothing = true }), 1e-4);
        Assert.Equal(effective, ChrF.Corpus([hypothesis], [[reference]], new ChrFOptions { Beta = 3 }), 1e-4);
    }

    [Theory]
    [InlineData("Co nás nejvíc trápí, protože lékaři si vybírají, kdo bude žít a kdo zemře.", "Nejvíce smutní jsme z toho, že musíme rozhodovat o tom, kdo bude žít a kdo zemře.", 39.14078509)]
    [InlineData("Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři.", "A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři.", 31.22557079)]
    public void Sentence_CzechExamples_HaveThePublishedScores(string hypothesis, string reference, double expected) =>
        Assert.Equal(expected, ChrF.Sentence(hypothesis, [reference], new ChrFOptions { EpsilonSmoothing = true }), 1e-6);

    [Fact]
    public void Corpus_KeptWhiteSpace_HasThePublishedScore() => Assert.Equal(67.3481606, ChrF.Corpus(
        ["Die Beziehung zwischen Obama und Netanjahu ist nicht gerade freundlich."],
        [["Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich."]],
        new ChrFOptions { Beta = 3, Whitespace = true }), 1e-6);

    [Fact]
    public void Corpus_SeveralReferences_UsesTheBestForEachSentence() =>
        Assert.Equal(100, ChrF.Corpus(["abcdef", "ghijkl"], [["xx", "abcdef"], ["ghijkl", "yy"]]), 1e-10);

    [Fact]
    public void Corpus_WordOrder_SplitsOneMarkOff()
    {
        Assert.Equal(100, ChrF.Corpus(["a,b,"], [["a,b ,"]], new ChrFOptions { WordOrder = 2 }), 1e-10);

        // Four orders of characters match; words are "(hi", ")" against "(", "hi", ")": one match of two and of three.
        var (precision, recall) = ((4 + (1.0 / 2)) / 5, (4 + (1.0 / 3)) / 5);
        Assert.Equal(100 * 5 * precision * recall / ((4 * precision) + recall), ChrF.Corpus(["(hi)"], [["(hi )"]], new ChrFOptions { WordOrder = 1 }), 1e-10);
    }

    [Fact]
    public void Corpus_CharactersBeyondThePlane_CountOnce() =>
        Assert.Equal(50, ChrF.Corpus(["😀a"], [["😁a"]], new ChrFOptions { CharOrder = 1 }), 1e-10);

    [Fact]
    public void Names_AndSignature_AreSacrebleus()
    {
        var metric = new ChrF(new ChrFOptions { WordOrder = 2, Lowercase = true });
        Assert.Equal("chrF2++", metric.Name);
        Assert.Equal("nrefs:1|case:lc|eff:yes|nc:6|nw:2|space:no", metric.Signature(1));
    }

    [Fact]
    public void Constructor_NoOrderAtAll_Throws() => Assert.Throws<ArgumentException>(() => new ChrF(new ChrFOptions { CharOrder = 0 }));
}
