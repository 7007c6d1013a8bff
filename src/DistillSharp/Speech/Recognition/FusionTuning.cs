using DistillSharp.Sequences;
using DistillSharp.Sequences.LanguageModels;

namespace DistillSharp.Speech.Recognition;

/// <summary>What was chosen for a network's search with a language model.</summary>
/// <param name="Weight">Weight of the model.</param>
/// <param name="Bonus">Worth of a word.</param>
/// <param name="ValidationWer">Word error rate with them on the utterances they were chosen on.</param>
internal sealed record FusionChoice(double Weight, double Bonus, double ValidationWer);

/// <summary>Chooses how much a language model counts, on validation utterances.</summary>
internal static class FusionTuning
{
    /// <summary>The pair with the fewest word errors; of equal ones the first.</summary>
    /// <param name="utterances">Logits [frames × classes] and reference of each.</param>
    /// <param name="symbols">Texts of the labels.</param>
    /// <param name="beam">Width of the search.</param>
    /// <param name="fusion">Model and level; its weight and bonus are not read.</param>
    /// <param name="weights">Weights to try.</param>
    /// <param name="bonuses">Bonuses to try with each.</param>
    public static FusionChoice Choose(
        IReadOnlyList<(float[] Logits, string Reference)> utterances, ISymbolCodec symbols, int beam, LanguageFusion fusion, IReadOnlyList<double> weights, IReadOnlyList<double> bonuses)
    {
        List<string> references = [.. utterances.Select(utterance => utterance.Reference)];
        return weights.SelectMany(weight => bonuses.Select(bonus => fusion with { Weight = weight, Bonus = bonus }))
            .Select(tried => new FusionChoice(tried.Weight, tried.Bonus, ErrorRates.CorpusWords(references, [.. utterances.Select(utterance => Text(utterance.Logits, symbols, beam, tried))]).Rate))
            .MinBy(choice => choice.ValidationWer)!;
    }

    /// <summary>The best text of a search with a language model, or without one.</summary>
    public static string Text(float[] logits, ISymbolCodec symbols, int beam, LanguageFusion? fusion) =>
        symbols.Text(CtcDecoder.Beam(logits, symbols.Symbols.Count + 1, beam, fusion?.Start(label => symbols.Symbols[label - 1]))[0].Labels);
}
