namespace DistillSharp.Text.Metrics;

/// <summary>Options of TER; the defaults are sacrebleu's.</summary>
public sealed record TerOptions
{
    /// <summary>True to split off punctuation and replace XML entities first.</summary>
    public bool Normalized { get; init; }

    /// <summary>True to remove punctuation.</summary>
    public bool NoPunctuation { get; init; }

    /// <summary>True to treat Chinese and Japanese characters as words where normalized, and to remove their punctuation with the other.</summary>
    public bool AsianSupport { get; init; }

    /// <summary>True to count a difference of case as an error.</summary>
    public bool CaseSensitive { get; init; }
}

/// <summary>
/// Translation edit rate (Snover et al., A Study of Translation Edit Rate with Targeted Human Annotation, AMTA 2006) as sacrebleu
/// computes it after Tercom, in percent: insertions, deletions, substitutions and shifts of blocks of words, over the words of
/// the reference. Of several references the nearest gives the edits, and the mean of their lengths divides.
/// </summary>
public sealed class Ter : CorpusMetric
{
    private readonly TerTokenizer _tokenizer;
    private readonly TerOptions _options;

    /// <summary>TER with these options.</summary>
    public Ter(TerOptions? options = null) => _tokenizer = new TerTokenizer(_options = options ?? new TerOptions());

    /// <inheritdoc/>
    public override string Name => "TER";

    /// <inheritdoc/>
    public override bool HigherIsBetter => false;

    /// <summary>The score of a corpus.</summary>
    /// <exception cref="ArgumentException">See <see cref="CorpusMetric.CountAll"/>.</exception>
    public static double Corpus(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references, TerOptions? options = null)
    {
        var metric = new Ter(options);
        return metric.Score(metric.CountAll(hypotheses, references).Sum());
    }

    /// <summary>The score of one sentence.</summary>
    /// <exception cref="ArgumentException">No reference has any text.</exception>
    public static double Sentence(string hypothesis, IReadOnlyList<string> references, TerOptions? options = null) => Corpus([hypothesis], [references], options);

    /// <summary>Edits over words of references; 100 for edits without any word, 0 where there is neither.</summary>
    public override double Score(ReadOnlySpan<double> counts) => 100 * (counts[1] > 0 ? counts[0] / counts[1] : counts[0] > 0 ? 1 : 0);

    /// <inheritdoc/>
    protected override double[] CountMatches(string hypothesis, IReadOnlyList<string> references)
    {
        var words = _tokenizer.Tokenize(hypothesis);

        // sacrebleu tokenizes references twice, which is not the same as once: "a..5" becomes "a . .5" and then "a . . 5".
        var referenceWords = references.Select(reference => _tokenizer.Tokenize(string.Join(' ', _tokenizer.Tokenize(reference)))).ToList();
        return [referenceWords.Min(reference => TerEdits.Count(words, reference)), (double)referenceWords.Sum(reference => reference.Count) / referenceWords.Count];
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, string Value)> SignatureParts() =>
    [
        ("case", _options.CaseSensitive ? "mixed" : "lc"),
        ("tok", "tercom"),
        ("norm", YesNo(_options.Normalized)),
        ("punct", YesNo(!_options.NoPunctuation)),
        ("asian", YesNo(_options.AsianSupport)),
    ];
}
