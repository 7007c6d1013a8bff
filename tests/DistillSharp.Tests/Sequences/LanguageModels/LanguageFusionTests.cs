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
