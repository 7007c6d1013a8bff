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

    private const double LeastWritten = 0.01;
    private const int ShownSymbols = 60;

    /// <summary>A model whose tokens are characters if the space is one of them, else words.</summary>
    public static LanguageFusion Of(NgramModel model, double weight, double bonus) =>
        new(model, model.Vocabulary.Contains(Space) ? LanguageModelLevel.Character : LanguageModelLevel.Word, weight, bonus);

    /// <summary>The tokens of a text, words separated by spaces.</summary>
    public static IReadOnlyList<string> Tokens(string text, LanguageModelLevel level) => level == LanguageModelLevel.Word
        ? ErrorRates.SplitWords(text)
        : [.. string.Join(' ', ErrorRates.SplitWords(text)).Select(Character)];

    /// <summary>Refuses a model of which hardly a token can be written with a network's symbols: it would take every text for unknown tokens.</summary>
    /// <param name="symbols">Texts of the symbols.</param>
    /// <param name="name">The model's file, for the message.</param>
    /// <exception cref="InvalidDataException">Fewer than one token in a hundred can be written; says what would be right.</exception>
    public void Check(IReadOnlyList<string> symbols, string name)
    {
        var characters = string.Concat(symbols).ToHashSet();
        List<string> tokens = [.. Model.Vocabulary.Where(token => token is not (NgramModel.Begin or NgramModel.End or NgramModel.Unknown))];
        // Where the space is a token, the others are characters and no words.
        var spells = tokens.Contains(Space);
        bool IsWritten(string token, LanguageModelLevel level) => level == LanguageModelLevel.Word
            ? !spells && token.All(character => characters.Contains(character))
            : token == Space ? characters.Contains(' ') : token.Length == 1 && characters.Contains(token[0]);
        bool AreWritten(LanguageModelLevel level, Func<string, string> change)
        {
            var written = tokens.Count(token => IsWritten(change(token), level));
            return written > 0 && written >= LeastWritten * tokens.Count;
        }

        if (AreWritten(Level, token => token))
        {
            return;
        }

        var other = Level == LanguageModelLevel.Word ? LanguageModelLevel.Character : LanguageModelLevel.Word;
        var hint = AreWritten(other, token => token) ? $"its tokens are {Named(other)}s: give `level: {Named(other)}`"
            : AreWritten(Level, token => token.ToLowerInvariant()) ? "write the tokens of the file in lower case, as the symbols are"
            : AreWritten(Level, token => token.ToUpperInvariant()) ? "write the tokens of the file in upper case, as the symbols are"
            : $"give a model of {Named(Level)}s that are made of these characters";
        var example = tokens.Find(token => !IsWritten(token, Level));
        throw new InvalidDataException(
            $"{name}: hardly one of the {tokens.Count} tokens of this language model{(example is null ? "" : $", such as `{example}`,")} is a {Named(Level)} that the network can write with its characters `{string.Concat(characters.Order().Take(ShownSymbols))}`, so that every text would be unknown to it; {hint}");
    }

    /// <summary>What the empty text is worth, for a search over symbols of these texts.</summary>
    /// <param name="textOf">Text of a label.</param>
    public PrefixScore Start(Func<int, string> textOf) => new Score(this, textOf, Model.Start, "", 0, 0);

    private static string Named(LanguageModelLevel level) => level.ToString().ToLowerInvariant();

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
