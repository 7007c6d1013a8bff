namespace DistillSharp.Sequences.LanguageModels;

/// <summary>What the tokens of a language model are.</summary>
public enum LanguageModelLevel
{
    /// <summary>Words.</summary>
    Word,

    /// <summary>Characters, the space among them.</summary>
    Character,
}

/// <summary>A language model with how much it counts.</summary>
/// <param name="Model">The n-grams.</param>
/// <param name="Level">What its tokens are.</param>
/// <param name="Weight">What its log-probabilities are multiplied by.</param>
/// <param name="Bonus">What every word is worth, a natural logarithm: models prefer few words.</param>
public sealed record LanguageFusion(NgramModel Model, LanguageModelLevel Level, double Weight, double Bonus)
{
    /// <summary>A space as a token of characters.</summary>
    public const string Space = "<space>";

    /// <summary>A model whose tokens are characters if the space is one of them, else words.</summary>
    public static LanguageFusion Of(NgramModel model, double weight, double bonus) =>
        new(model, model.Vocabulary.Contains(Space) ? LanguageModelLevel.Character : LanguageModelLevel.Word, weight, bonus);

    /// <summary>The tokens of a text, words separated by spaces.</summary>
    public static IReadOnlyList<string> Tokens(string text, LanguageModelLevel level) => level == LanguageModelLevel.Word
        ? ErrorRates.SplitWords(text)
        : [.. string.Join(' ', ErrorRates.SplitWords(text)).Select(Character)];

    /// <summary>What the empty text is worth, for a search over symbols of these texts.</summary>
    /// <param name="textOf">Text of a label.</param>
    public PrefixScore Start(Func<int, string> textOf) => new Score(this, textOf, Model.Start, "", 0, 0);

    private static string Character(char character) => character == ' ' ? Space : character.ToString();

    // The words that are complete are counted by the model; the last one where it ends, which it does at a space or with the text.
    private sealed class Score(LanguageFusion fusion, Func<int, string> textOf, NgramKey context, string word, double logProbability, int words) : PrefixScore
    {
        // A prefix is extended by the same labels in many frames.
        private readonly Dictionary<int, Score> _longer = [];
        private double? _final;

        public override double Value => (fusion.Weight * logProbability) + (fusion.Bonus * words);

        public override double Final => _final ??= End();

        public override PrefixScore Extend(int label)
        {
            if (_longer.TryGetValue(label, out var known))
            {
                return known;
            }

            var (now, text, sum, count) = (context, word, logProbability, words);
            foreach (var character in textOf(label))
            {
                (now, text, sum, count) = Read(now, text, sum, count, character);
            }

            return _longer[label] = new Score(fusion, textOf, now, text, sum, count);
        }

        private (NgramKey, string, double, int) Read(NgramKey now, string text, double sum, int count, char character)
        {
            // Spaces before a text, and behind spaces, separate nothing.
            if (character == ' ' && text.Length == 0)
            {
                return (now, text, sum, count);
            }

            if (fusion.Level == LanguageModelLevel.Word)
            {
                return character == ' ' ? Add(now, text, "", sum, count + 1) : (now, text + character, sum, count);
            }

            return character == ' '
                ? Add(now, Space, "", sum, count + 1)
                : Add(now, character.ToString(), "·", sum, count);
        }

        private (NgramKey, string, double, int) Add(NgramKey now, string token, string text, double sum, int count)
        {
            var (value, next) = fusion.Model.Score(now, fusion.Model.IdOf(token));
            return (next, text, sum + value, count);
        }

        private double End()
        {
            var (now, sum, count) = (context, logProbability, words + (word.Length > 0 ? 1 : 0));
            if (word.Length > 0 && fusion.Level == LanguageModelLevel.Word)
            {
                (now, _, sum, _) = Add(now, word, "", sum, count);
            }

            return (fusion.Weight * (sum + fusion.Model.Score(now, fusion.Model.IdOf(NgramModel.End)).LogProbability)) + (fusion.Bonus * count);
        }
    }
}
