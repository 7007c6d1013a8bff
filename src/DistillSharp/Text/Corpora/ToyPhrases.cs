using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Text.Corpora;

/// <summary>Options of <c>toy_phrases</c>.</summary>
public sealed record ToyPhrasesOptions : PairFilterOptions
{
    /// <summary>A small vocabulary, and fewer pairs to decode.</summary>
    public ToyPhrasesOptions() => (Vocabulary, ValidationPairs, TestPairs, TestShare) = (500, 100, 200, 0.1);

    /// <summary>Number of pairs that are drawn.</summary>
    [Option("pairs of phrases that are drawn, before duplicates are dropped", Min = 100, Max = 1_000_000)]
    public int Pairs { get; init; } = 4000;

    /// <summary>Seed of the drawing.</summary>
    [Option("seed of the drawing", Min = 0)]
    public int DrawingSeed { get; init; }
}

/// <summary>
/// English phrases and their Italian translations made from a small grammar: adjectives follow their noun, and articles, adjectives
/// and verbs agree with it, so that words alone do not translate it. For trying things out in seconds.
/// </summary>
public static class ToyPhrases
{
    // Singular and plural in English; singular, plural and gender in Italian.
    private static readonly (string One, string Many, string Uno, string Molti, bool Feminine)[] Nouns =
    [
        ("cat", "cats", "gatto", "gatti", false), ("house", "houses", "casa", "case", true), ("book", "books", "libro", "libri", false),
        ("apple", "apples", "mela", "mele", true), ("dog", "dogs", "cane", "cani", false), ("door", "doors", "porta", "porte", true),
        ("boy", "boys", "ragazzo", "ragazzi", false), ("girl", "girls", "ragazza", "ragazze", true), ("train", "trains", "treno", "treni", false),
        ("moon", "moons", "luna", "lune", true), ("table", "tables", "tavolo", "tavoli", false), ("flower", "flowers", "rosa", "rose", true),
    ];

    private static readonly (string English, string Stem)[] Adjectives =
    [
        ("red", "ross"), ("new", "nuov"), ("small", "piccol"), ("black", "ner"), ("white", "bianc"), ("dear", "car"), ("old", "vecchi"), ("warm", "cald"),
    ];

    private static readonly (string One, string Many, string Uno, string Molti)[] Verbs =
    [
        ("falls", "fall", "cade", "cadono"), ("sees", "see", "vede", "vedono"), ("takes", "take", "prende", "prendono"), ("loses", "lose", "perde", "perdono"),
    ];

    private static readonly (string English, string Italian)[] Numbers =
        [("two", "due"), ("three", "tre"), ("four", "quattro"), ("five", "cinque"), ("six", "sei"), ("seven", "sette")];

    /// <summary>Catalog entry.</summary>
    public static DatasetEntry Entry { get; } = new(
        "toy_phrases", "English phrases and their Italian translations, drawn from a small grammar", "drawn here", typeof(ToyPhrasesOptions),
        _ => null, (_, _) => throw new NotSupportedException("toy_phrases is parallel text and has no labelled samples"))
    {
        LoadDomain = (options, _, split) => Load((ToyPhrasesOptions)options, split),
    };

    /// <summary>Draws the pairs.</summary>
    public static ParallelCorpus Load(ToyPhrasesOptions options, SplitRequest split) =>
        ParallelCorpus.Create("toy_phrases", Draw(options.Pairs, options.DrawingSeed), null, split, options);

    private static IEnumerable<SentencePair> Draw(int count, int seed)
    {
        for (var i = 0; i < count; i++)
        {
            var random = new StableRandom(StableRandom.Key((ulong)seed, (ulong)i, 0x70F));
            var (subject, soggetto, many) = Phrase(ref random);
            var (item, oggetto, _) = Phrase(ref random);
            var verb = Verbs[random.Below(Verbs.Length)];
            var source = $"{subject} {(many ? verb.Many : verb.One)} {item}";
            yield return new SentencePair(source, $"{soggetto} {(many ? verb.Molti : verb.Uno)} {oggetto}", source);
        }
    }

    private static (string English, string Italian, bool Many) Phrase(ref StableRandom random)
    {
        var (noun, adjective, many) = (Nouns[random.Below(Nouns.Length)], Adjectives[random.Below(Adjectives.Length)], random.Below(2) == 1);
        var number = Numbers[random.Below(Numbers.Length)];
        var hard = adjective.Stem is "bianc" && many ? "h" : "";
        var ending = (noun.Feminine, many) switch { (true, false) => "a", (true, true) => "e", (false, false) => "o", (false, true) => adjective.Stem[^1] == 'i' ? "" : "i" };
        return (
            $"{(many ? number.English : "the")} {adjective.English} {(many ? noun.Many : noun.One)}",
            $"{(many ? number.Italian : noun.Feminine ? "la" : "il")} {(many ? noun.Molti : noun.Uno)} {adjective.Stem}{hard}{ending}",
            many);
    }
}
