using DistillSharp.Sequences;

namespace DistillSharp.Tests;

public sealed class SubwordSymbolsTests
{
    private static readonly string[] Texts = ["the cat sat on the mat", "the cat ran", "that hat"];

    [Fact]
    public void Symbols_LearnedPairs_FollowTheAlphabetAndMakeTextsShorter()
    {
        var symbols = new SubwordSymbols(new SymbolAlphabet(" acehmnorst"), Texts, 16);
        Assert.Equal(16, symbols.Symbols.Count);
        Assert.Equal(" acehmnorst".Select(character => character.ToString()), symbols.Symbols.Take(11));
        // The most frequent pair of neighbours: a, t in cat, sat, mat, cat, that, hat.
        Assert.Equal("at", symbols.Symbols[11]);
        var labels = symbols.Encode("the cat");
        Assert.True(labels.Length < 7);
        Assert.Equal("the cat", symbols.Text(labels));
        Assert.All(Texts.Append("no that"), text => Assert.Equal(text, symbols.Text(symbols.Encode(text))));
        // A word is made of the same symbols at the begin of a text and within.
        Assert.Equal(symbols.Encode("the"), symbols.Encode("cat the")[^symbols.Encode("the").Length..]);
        Assert.Contains("`x`", Assert.Throws<ArgumentException>(() => symbols.Encode("x")).Message, StringComparison.Ordinal);
    }
}
