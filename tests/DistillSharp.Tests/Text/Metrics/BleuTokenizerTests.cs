using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class BleuTokenizerTests
{
    // Expected words follow from the rules, one mark at a time.
    [Theory]
    [InlineData("13a", "Hello, world!", "Hello , world !")]
    [InlineData("13a", "He paid $1,000.50 for 3-4 items.", "He paid $ 1,000.50 for 3 - 4 items .")]
    [InlineData("13a", "&quot;cats &amp; dogs&quot; &lt;b&gt; &apos;", "\" cats & dogs \" < b > & apos ;")]
    [InlineData("13a", "isn't well-known", "isn't well-known")]
    [InlineData("13a", "in 2010.", "in 2010 .")]
    [InlineData("13a", "<skipped>one-\ntwo\nthree", "onetwo three")]
    [InlineData("13a", "„test.txt“ 😀.", "„test . txt“ 😀 .")]
    [InlineData("13a", "  ", "")]
    [InlineData("intl", "in 2010.", "in 2010.")]
    [InlineData("intl", "1,000.50 well-known", "1,000.50 well - known")]
    [InlineData("intl", "„test.txt“ €5 ½, a+b", "„ test . txt “ € 5 ½ , a + b")]
    [InlineData("intl", "good😀👍 x𝟏.𝟐y", "good 😀 👍 x𝟏.𝟐y")]
    [InlineData("intl", "你好，世界！", "你好 ， 世界 ！")]
    [InlineData("intl", "&amp;", "& amp ;")]
    [InlineData("zh", "你好，world 3.", "你 好 ， world 3.")]
    [InlineData("zh", "n’est 😀𠀀 &amp;", "n ’ est 😀𠀀 & amp ;")]
    [InlineData("char", "a 你😀\u00a0b", "a 你 😀 b")]
    [InlineData("none", " a.b\u2003c\u001fd ", "a.b c d")]
    public void Tokenize_KnownLine_GivesItsWords(string tokenizer, string line, string words) =>
        Assert.Equal(words, string.Join(' ', BleuTokenizer.Named(tokenizer).Tokenize(line)));

    [Fact]
    public void Named_UnknownName_ListsTheKnownOnes() =>
        Assert.Contains("did you mean `13a`?", Assert.Throws<ArgumentException>(() => BleuTokenizer.Named("13b")).Message, StringComparison.Ordinal);
}
