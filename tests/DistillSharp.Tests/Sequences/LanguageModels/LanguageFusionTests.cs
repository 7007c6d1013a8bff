using DistillSharp.Sequences;
using DistillSharp.Sequences.LanguageModels;

namespace DistillSharp.Tests.Sequences.LanguageModels;

public sealed class LanguageFusionTests
{
    private const string Alphabet = " abc";

    private static PrefixScore Read(LanguageFusion fusion, string text) =>
        text.Aggregate(fusion.Start(label => Alphabet[label - 1].ToString()), (score, character) => score.Extend(Alphabet.IndexOf(character, StringComparison.Ordinal) + 1));

    [Theory]
    [InlineData(LanguageModelLevel.Word)]
    [InlineData(LanguageModelLevel.Character)]
    public void Final_OfAText_IsTheModelsScoreAndABonusAWord(LanguageModelLevel level)
    {
        var model = NgramTrainer.Train(new[] { "ab c", "a b", "ab ab c" }.Select(text => LanguageFusion.Tokens(text, level)), 3);
        var fusion = new LanguageFusion(model, level, 0.7, 1.5);
        Assert.Equal((0.7 * model.Score(LanguageFusion.Tokens("ab c", level))) + (2 * 1.5), Read(fusion, "ab c").Final, 1e-9);
        // Spaces before and between separate once.
        Assert.Equal(Read(fusion, "ab c").Final, Read(fusion, "  ab  c").Final, 1e-9);
        Assert.Equal(0.7 * model.Score([]), Read(fusion, "").Final, 1e-9);
        Assert.Equal(level == LanguageModelLevel.Word ? 0 : 0.7 * model.Score(model.Start, model.IdOf("a")).LogProbability, Read(fusion, "a").Value, 1e-9);
    }

    [Theory]
    [InlineData(LanguageModelLevel.Word, "ab c|b")]
    [InlineData(LanguageModelLevel.Word, "abx c|zz")]
    [InlineData(LanguageModelLevel.Character, "a <space> b|c")]
    public void Check_TokensThatCanBeWritten_IsFine(LanguageModelLevel level, string texts) => Of(level, texts).Check(["a", " ", "b", "c"], "x.arpa");

    [Theory]
    [InlineData(LanguageModelLevel.Word, "AB C|B", "3 tokens of this language model, such as `AB`, is a word that the network can write with its characters ` abc`, so that every text would be unknown to it; write the tokens of the file in lower case")]
    [InlineData(LanguageModelLevel.Character, "A B|C", "write the tokens of the file in lower case")]
    [InlineData(LanguageModelLevel.Word, "a <space> b", "give `level: character`")]
    [InlineData(LanguageModelLevel.Character, "ab ac|cab", "give `level: word`")]
    [InlineData(LanguageModelLevel.Word, "дом мир", "give a model of words that are made of these characters")]
    public void Check_TokensThatCannotBeWritten_AreRefusedWithAHint(LanguageModelLevel level, string texts, string message)
    {
        var error = Assert.Throws<InvalidDataException>(() => Of(level, texts).Check(["a", " b", "b", "c"], "x.arpa"));

        Assert.StartsWith("x.arpa: hardly one of the ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static LanguageFusion Of(LanguageModelLevel level, string texts) => new(NgramTrainer.Train(texts.Split('|').Select(text => text.Split(' ')), 2), level, 1, 0);

    [Fact]
    public void Beam_WithAModel_PrefersItsTexts()
    {
        // Blank, space, a, b, c: after `a` the sounds of b and c are nearly the same.
        float[] logits = [0, 0, 5, 0, 0, 0, 0, 0, 5, 5.2f];
        var model = NgramTrainer.Train(Enumerable.Repeat((IReadOnlyList<string>)["ab"], 3), 2);
        string Best(PrefixScore? score) => string.Concat(CtcDecoder.Beam(logits, 5, 8, score)[0].Labels.Select(label => Alphabet[label - 1]));
        Assert.Equal("ac", Best(null));
        Assert.Equal("ab", Best(new LanguageFusion(model, LanguageModelLevel.Word, 1, 0).Start(label => Alphabet[label - 1].ToString())));
    }
}
