using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class BleuTests
{
    [Fact]
    public void Corpus_HandWorkedPair_IsTheGeometricMeanWithItsPenalty()
    {
        // 3 words against 4: unigrams 3/3, bigrams 1/2 ("the cat"), no trigram; with order 2: exp(1 − 4/3)·√(1·½).
        var score = Bleu.Corpus(["the cat sat"], [["the cat then sat"]], new BleuOptions { MaxOrder = 2 });
        Assert.Equal(100 * Math.Exp(1 - (4.0 / 3)) * Math.Sqrt(0.5), score.Score, 1e-10);
        Assert.Equal([100, 50], score.Precisions);
        Assert.Equal(Math.Exp(1 - (4.0 / 3)), score.BrevityPenalty, 1e-14);
        Assert.Equal([3, 1], score.Matches);
        Assert.Equal([3, 2], score.Totals);
        Assert.Equal((3, 4), (score.HypothesisLength, score.ReferenceLength));
        Assert.Equal(0.75, score.LengthRatio);
    }

    [Fact]
    public void Corpus_RepeatedWord_IsClippedToTheReferenceThatHasMost()
    {
        var score = Bleu.Corpus(["the the the the"], [["the cat", "the dog the"]], new BleuOptions { MaxOrder = 1 });
        Assert.Equal([2], score.Matches);
        Assert.Equal(50, score.Score, 1e-12);
        Assert.Equal(3, score.ReferenceLength);
    }

    [Theory]
    [InlineData(new[] { "a b c d", "a b" }, 2)]
    [InlineData(new[] { "a b", "a b c d" }, 2)]
    [InlineData(new[] { "a b c d e", "a b c d" }, 4)]
    public void Corpus_SeveralReferences_TakesTheNearestLengthAndTheShorterOfTwo(string[] references, int length) =>
        Assert.Equal(length, Bleu.Corpus(["x y z"], [references]).ReferenceLength);

    // Four words against five, "a b x d" / "a b c d e": matches 3, 1, 0, 0 of 4, 3, 2, 1.
    [Theory]
    [InlineData(BleuSmoothing.None, null, 0.0, 0.0)]
    [InlineData(BleuSmoothing.Floor, null, 5.0, 10.0)]
    [InlineData(BleuSmoothing.Floor, 0.5, 25.0, 50.0)]
    [InlineData(BleuSmoothing.Exponential, null, 25.0, 25.0)]
    public void Corpus_OrdersWithoutMatch_AreSmoothed(BleuSmoothing smoothing, double? value, double third, double fourth)
    {
        var score = Bleu.Corpus(["a b x d"], [["a b c d e"]], new BleuOptions { Smoothing = smoothing, SmoothingValue = value });
        AssertNear([75, 100.0 / 3, third, fourth], score.Precisions);
        var mean = third > 0 ? Math.Exp((Math.Log(75) + Math.Log(100.0 / 3) + Math.Log(third) + Math.Log(fourth)) / 4) : 0;
        Assert.Equal(Math.Exp(1 - (5.0 / 4)) * mean, score.Score, 1e-10);
    }

    [Fact]
    public void Corpus_AddK_SparesUnigrams()
    {
        AssertNear([75, 50, 100.0 / 3, 50], Bleu.Corpus(["a b x d"], [["a b c d e"]], new BleuOptions { Smoothing = BleuSmoothing.AddK }).Precisions);
        AssertNear([75, 60, 50, 200.0 / 3], Bleu.Corpus(["a b x d"], [["a b c d e"]], new BleuOptions { Smoothing = BleuSmoothing.AddK, SmoothingValue = 2 }).Precisions);
    }

    [Theory]
    [InlineData("", "a b")]
    [InlineData("c d", "a b")]
    [InlineData("a", " ")]
    public void Corpus_NoMatchAtAll_IsZeroUnderAnySmoothing(string hypothesis, string reference)
    {
        foreach (var smoothing in Enum.GetValues<BleuSmoothing>())
        {
            Assert.Equal(0, Bleu.Corpus([hypothesis], [[reference]], new BleuOptions { Smoothing = smoothing }).Score);
        }
    }

    [Fact]
    public void Corpus_EmptyHypothesis_HasPenaltyZero() => Assert.Equal(0, Bleu.Corpus([""], [["a"]]).BrevityPenalty);

    [Fact]
    public void Sentence_ShorterThanFourWords_AveragesTheOrdersItHas()
    {
        Assert.Equal(100, Bleu.Sentence("a test", ["a test"]).Score, 1e-12);
        Assert.Equal(0, Bleu.Corpus(["a test"], [["a test"]]).Score);
        Assert.Equal(100 * Math.Exp(-1), Bleu.Sentence("test", ["a test"]).Score, 1e-12);
    }

    // Scores that sacrebleu's authors publish with their code (three decimals).
    [Theory]
    [InlineData("exp", null, "13a", false, 8.493)]
    [InlineData("none", null, "13a", false, 0)]
    [InlineData("floor", null, "13a", false, 4.51688)]
    [InlineData("floor", 0.5, "13a", false, 10.10)]
    [InlineData("add-k", null, "13a", false, 14.882)]
    [InlineData("add-k", 2.0, "13a", false, 21.389)]
    [InlineData("exp", null, "none", false, 7.347)]
    [InlineData("exp", null, "intl", false, 8.493)]
    [InlineData("exp", null, "char", false, 40.8759)]
    [InlineData("exp", null, "char", true, 42.0267)]
    public void Sentence_RomanianExample_HasThePublishedScore(string smoothing, double? value, string tokenizer, bool lowercase, double expected)
    {
        var score = Bleu.Sentence(
            "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;",
            ["producţia de zahăr brut se exprimă în zahăr alb;"],
            new BleuOptions
            {
                Tokenizer = BleuTokenizer.Named(tokenizer),
                Lowercase = lowercase,
                SmoothingValue = value,
                Smoothing = smoothing switch { "exp" => BleuSmoothing.Exponential, "none" => BleuSmoothing.None, "floor" => BleuSmoothing.Floor, _ => BleuSmoothing.AddK },
            });
        Assert.Equal(expected, score.Score, 1e-3);
    }

    [Theory]
    [InlineData("13a", 48.530827)]
    [InlineData("none", 49.1919566)]
    [InlineData("intl", 43.91623493)]
    public void Corpus_ReadmeExampleWithTwoReferences_HasThePublishedScore(string tokenizer, double expected)
    {
        var score = Bleu.Corpus(
            ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."],
            [["The dog bit the man.", "The dog had bit the man."], ["It was not unexpected.", "No one was surprised."], ["The man bit him first.", "The man had bitten the dog."]],
            new BleuOptions { Tokenizer = BleuTokenizer.Named(tokenizer) });
        Assert.Equal(expected, score.Score, 1e-6);
    }

    [Fact]
    public void Corpus_NumbersOfReferencesDiffer_AreMarkedInTheSignature()
    {
        var score = Bleu.Corpus(["a", "b"], [["a", "c"], ["b", ""]], new BleuOptions { Smoothing = BleuSmoothing.Floor, Lowercase = true });
        Assert.Equal("nrefs:var|case:lc|eff:no|tok:13a|smooth:floor[0.10]", score.Signature);
    }

    [Fact]
    public void Corpus_UnusableInput_SaysWhy()
    {
        Assert.Contains("2 hypotheses for 1 sentences", Assert.Throws<ArgumentException>(() => Bleu.Corpus(["a", "b"], [["a"]])).Message, StringComparison.Ordinal);
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => Bleu.Corpus([], [])).Message, StringComparison.Ordinal);
        Assert.Contains("sentence 2 has no reference", Assert.Throws<ArgumentException>(() => Bleu.Corpus(["a", "b"], [["a"], [""]])).Message, StringComparison.Ordinal);
        Assert.Contains("at least 1", Assert.Throws<ArgumentException>(() => new Bleu(new BleuOptions { MaxOrder = 0 })).Message, StringComparison.Ordinal);
    }

    private static void AssertNear(double[] expected, IReadOnlyList<double> actual)
    {
        Assert.Equal(expected.Length, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }
}
