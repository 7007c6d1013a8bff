using System.Text;
using DistillSharp.Config;

namespace DistillSharp.Text.Corpora;

/// <summary>Which pairs are kept, beside the options of a dataset of parallel text.</summary>
public abstract record PairFilterOptions : ICheckedOptions
{
    /// <summary>Fewest words.</summary>
    [Option("fewest words of either side", Min = 1)]
    public int MinWords { get; init; } = 1;

    /// <summary>Most words.</summary>
    [Option("most words of either side, and for each of them 40 characters, which bounds text without spaces", Min = 1, Max = 1000)]
    public int MaxWords { get; init; } = 80;

    /// <summary>Smallest ratio of lengths.</summary>
    [Option("smallest number of target words for each source word", Min = 0)]
    public double MinRatio { get; init; } = 0.4;

    /// <summary>Largest ratio of lengths.</summary>
    [Option("largest number of target words for each source word", Min = 0, AboveMin = true)]
    public double MaxRatio { get; init; } = 2.5;

    /// <summary>Share of the groups that the test set is made of.</summary>
    [Option("share of the groups (documents, source packages) held out for testing, where no test file is given", Min = 0.001, Max = 0.9)]
    public double TestShare { get; init; } = 0.05;

    /// <summary>Most validation pairs.</summary>
    [Option("most validation pairs; they are decoded after every epoch", Min = 1)]
    public int ValidationPairs { get; init; } = 500;

    /// <summary>Most test pairs.</summary>
    [Option("most test pairs", Min = 1)]
    public int TestPairs { get; init; } = 2000;

    /// <summary>Size of the vocabulary.</summary>
    [Option("subwords of the joint vocabulary, learned on the training pairs", Min = 300, Max = 100_000)]
    public int Vocabulary { get; init; } = 8000;

    /// <summary>A vocabulary that is there already.</summary>
    [Option("folder with a vocab.json and merges.txt that was learned before, in place of learning one", DataPath = true)]
    public string? Tokenizer { get; init; }

    /// <inheritdoc/>
    public virtual void Check(ConfigNode node, ConfigErrors errors)
    {
        CheckOrder("min_words", MinWords, "max_words", MaxWords);
        CheckOrder("min_ratio", MinRatio, "max_ratio", MaxRatio);

        void CheckOrder(string least, double low, string most, double high)
        {
            if (low > high)
            {
                var (key, message) = node.Get(most) is null
                    ? (least, FormattableString.Invariant($"must be at most {most}, which is {high}"))
                    : (most, FormattableString.Invariant($"must be at least {least}, which is {low}"));
                errors.Add(node.Get(key)!, message);
            }
        }
    }
}

/// <summary>Drops pairs that teach nothing: empty, too short or long, of lengths that do not fit, copies and duplicates.</summary>
/// <param name="options">Bounds.</param>
public sealed class PairFilter(PairFilterOptions options)
{
    private const int CharactersOfAWord = 40;

    private readonly HashSet<(string, string)> _seen = [];
    private readonly SortedDictionary<string, int> _dropped = new(StringComparer.Ordinal);

    /// <summary>How many pairs were dropped, by reason.</summary>
    public IReadOnlyDictionary<string, int> Dropped => _dropped;

    /// <summary>Pairs that are kept, their white space made plain, in their order.</summary>
    public IEnumerable<SentencePair> Apply(IEnumerable<SentencePair> pairs)
    {
        foreach (var raw in pairs)
        {
            var pair = raw with { Source = Plain(raw.Source), Target = Plain(raw.Target) };
            if (Reason(pair) is { } reason)
            {
                Drop(reason);
            }
            else
            {
                yield return pair;
            }
        }
    }

    /// <summary>Sources without translations that are kept, their white space made plain, in their order: within the bounds, each once and none of <paramref name="known"/>.</summary>
    /// <param name="sources">The sentences.</param>
    /// <param name="known">What is trained on or measured already, as <see cref="Normalise"/> gives it.</param>
    public IEnumerable<string> Apply(IEnumerable<string> sources, IReadOnlySet<string> known)
    {
        var seen = new HashSet<string>();
        foreach (var source in sources.Select(Plain))
        {
            var normal = Normalise(source);
            var words = Words(source);
            var reason = words == 0 ? "empty"
                : words < options.MinWords ? "too short"
                : IsTooLong(source, words) ? "too long"
                : known.Contains(normal) ? "known from the data"
                : seen.Add(normal) ? null : "duplicate";
            if (reason is null)
            {
                yield return source;
            }
            else
            {
                Drop(reason);
            }
        }
    }

    /// <summary>A text as leaks are looked for: small letters and digits alone, single spaces.</summary>
    public static string Normalise(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune))
            {
                plain.Append(Rune.ToLowerInvariant(rune));
            }
            else if (plain.Length > 0 && plain[^1] != ' ')
            {
                plain.Append(' ');
            }
        }

        return plain.ToString().TrimEnd();
    }

    /// <summary>Number of words between white space.</summary>
    internal static int Words(string text)
    {
        var (words, inside) = (0, false);
        foreach (var letter in text)
        {
            var white = char.IsWhiteSpace(letter);
            words += !white && !inside ? 1 : 0;
            inside = !white;
        }

        return words;
    }

    // Half words, for ratios: Chinese and Japanese put no spaces between words. A Chinese character counts as a word, a kana as half of one.
    private static int HalfWords(string text)
    {
        var (halves, inside) = (0, false);
        foreach (var letter in text)
        {
            var own = letter switch
            {
                _ when char.IsWhiteSpace(letter) => 0,
                >= '\u3000' when char.IsPunctuation(letter) => 0,
                >= '\u3400' and <= '\u4DBF' or >= '\u4E00' and <= '\u9FFF' or >= '\uF900' and <= '\uFAFF' => 2,
                >= '\u3040' and <= '\u30FF' or >= '\u31F0' and <= '\u31FF' or >= '\uFF66' and <= '\uFF9F' => 1,
                _ => -1,
            };
            halves += own >= 0 ? own : inside ? 0 : 2;
            inside = own < 0;
        }

        return halves;
    }

    private string? Reason(SentencePair pair)
    {
        var (source, target) = (Words(pair.Source), Words(pair.Target));
        var (sourceHalves, targetHalves) = (HalfWords(pair.Source), HalfWords(pair.Target));
        return source == 0 || target == 0 ? "empty side"
            : source < options.MinWords || target < options.MinWords ? "too short"
            : IsTooLong(pair.Source, source) || IsTooLong(pair.Target, target) ? "too long"
            : targetHalves < options.MinRatio * sourceHalves || targetHalves > options.MaxRatio * sourceHalves ? "lengths do not fit"
            : pair.Source == pair.Target ? "copy"
            : _seen.Add((pair.Source, pair.Target)) ? null : "duplicate";
    }

    private bool IsTooLong(string text, int words) => words > options.MaxWords || text.Length > CharactersOfAWord * options.MaxWords;

    private void Drop(string reason) => _dropped[reason] = _dropped.GetValueOrDefault(reason) + 1;

    private static string Plain(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
