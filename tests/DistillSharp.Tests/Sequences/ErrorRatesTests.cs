using DistillSharp.Sequences;

namespace DistillSharp.Tests.Sequences;

public class ErrorRatesTests
{
    [Fact]
    public void Words_HandWorkedSentence_CountsEachKind()
    {
        var counts = ErrorRates.Words("turn the  left light off", "turn a light off now");
        Assert.Equal(new EditCounts(Substitutions: 1, Insertions: 1, Deletions: 1, Length: 5), counts);
        Assert.Equal(0.6, counts.Rate, 1e-12);
    }

    [Fact]
    public void WordEdits_HandWorkedSentence_NamesTheWords() => Assert.Equal(
        [new(EditKind.Deletion, "the", null), new(EditKind.Substitution, "left", "a"), new(EditKind.Insertion, null, "now")],
        ErrorRates.WordEdits("turn the left light off", "turn a light off now"));

    [Fact]
    public void Characters_WhiteSpaceAndAccents_CountAsReadersSeeThem()
    {
        Assert.Equal(new EditCounts(0, 0, 0, 5), ErrorRates.Characters(" a  bo\u0308c", "a bo\u0308c\n"));
        Assert.Equal(new EditCounts(1, 0, 1, 5), ErrorRates.Characters("a béc", "abec"));
    }

    [Fact]
    public void CorpusWords_SumsErrorsBeforeDividing()
    {
        var counts = ErrorRates.CorpusWords(["a", "b c d e"], ["x", "b c d e"]);
        Assert.Equal(0.2, counts.Rate, 1e-12);
        Assert.Throws<ArgumentException>(() => ErrorRates.CorpusWords(["a"], []));
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("", "a b", 1)]
    [InlineData("a", "x y z", 3)]
    [InlineData("a b", "", 1)]
    public void Rate_EdgeCases_AreDefined(string reference, string hypothesis, double rate) =>
        Assert.Equal(rate, ErrorRates.Words(reference, hypothesis).Rate);
}
