using System.Globalization;

namespace DistillSharp.Text.Metrics;

/// <summary>Options of chrF; the defaults are sacrebleu's.</summary>
public sealed record ChrFOptions
{
    /// <summary>Longest n-gram of characters.</summary>
    public int CharOrder { get; init; } = 6;

    /// <summary>Longest n-gram of words; 0 is chrF, 2 is chrF++ (Popović, chrF++: words helping character n-grams, WMT 2017).</summary>
    public int WordOrder { get; init; }

    /// <summary>How many times more recall counts than precision.</summary>
    public double Beta { get; init; } = 2;

    /// <summary>True to ignore case.</summary>
    public bool Lowercase { get; init; }

    /// <summary>True to keep white space in n-grams of characters.</summary>
    public bool Whitespace { get; init; }

    /// <summary>
    /// True for the mean over orders of F scores in which an order without n-grams counts nearly 0, as chrF++.py, NLTK and Moses have
    /// it; false for the F score of mean precision and recall over the orders that both sides have.
    /// </summary>
    public bool EpsilonSmoothing { get; init; }
}

/// <summary>
/// chrF (Popović, chrF: character n-gram F-score for automatic MT evaluation, WMT 2015) as sacrebleu computes it, in percent. Of
/// several references a sentence is compared with the one that gives it the best score.
/// </summary>
public sealed class ChrF : CorpusMetric
{
    private const double Epsilon = 1e-16;
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    private readonly ChrFOptions _options;

    /// <summary>chrF with these options.</summary>
    /// <exception cref="ArgumentException">An order is negative, both are 0, or beta is negative.</exception>
    public ChrF(ChrFOptions? options = null)
    {
        _options = options ?? new ChrFOptions();
        if (_options.CharOrder < 0 || _options.WordOrder < 0 || Orders == 0 || !(_options.Beta >= 0))
        {
            throw new ArgumentException("chrF's orders must be at least 0 and not both 0, its beta at least 0");
        }
    }

    /// <inheritdoc/>
    public override string Name => $"chrF{_options.Beta.ToString(CultureInfo.InvariantCulture)}{new string('+', _options.WordOrder)}";

    /// <inheritdoc/>
    public override bool HigherIsBetter => true;

    private int Orders => _options.CharOrder + _options.WordOrder;

    /// <summary>The score of a corpus, 0 to 100.</summary>
    /// <exception cref="ArgumentException">See <see cref="CorpusMetric.CountAll"/>.</exception>
    public static double Corpus(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references, ChrFOptions? options = null)
    {
        var metric = new ChrF(options);
        return metric.Score(metric.CountAll(hypotheses, references).Sum());
    }

    /// <summary>The score of one sentence, 0 to 100.</summary>
    /// <exception cref="ArgumentException">No reference has any text.</exception>
    public static double Sentence(string hypothesis, IReadOnlyList<string> references, ChrFOptions? options = null) => Corpus([hypothesis], [references], options);

    /// <inheritdoc/>
    public override double Score(ReadOnlySpan<double> counts)
    {
        var factor = _options.Beta * _options.Beta;
        var (mean, precisions, recalls, effective) = (0.0, 0.0, 0.0, 0);
        for (var i = 0; i < Orders; i++)
        {
            var (hypothesis, reference, matches) = (counts[3 * i], counts[(3 * i) + 1], counts[(3 * i) + 2]);
            var precision = hypothesis > 0 ? matches / hypothesis : Epsilon;
            var recall = reference > 0 ? matches / reference : Epsilon;
            var denominator = (factor * precision) + recall;
            mean += denominator > 0 ? (1 + factor) * precision * recall / denominator : Epsilon;
            if (hypothesis > 0 && reference > 0)
            {
                (precisions, recalls, effective) = (precisions + precision, recalls + recall, effective + 1);
            }
        }

        if (_options.EpsilonSmoothing)
        {
            return 100 * mean / Orders;
        }

        if (precisions + recalls == 0)
        {
            return 0;
        }

        var (meanPrecision, meanRecall) = (precisions / effective, recalls / effective);
        return 100 * ((1 + factor) * meanPrecision * meanRecall / ((factor * meanPrecision) + meanRecall));
    }

    /// <inheritdoc/>
    protected override double[] CountMatches(string hypothesis, IReadOnlyList<string> references)
    {
        var counted = CountNgrams(hypothesis);
        double[]? best = null;
        var bestScore = double.NegativeInfinity;
        foreach (var reference in references.Select(CountNgrams))
        {
            // N-grams of an order that the reference is too short for are no faults.
            double[] counts = [.. counted.Zip(reference).SelectMany(order => new double[]
            {
                order.Second.Count > 0 ? order.First.Values.Sum() : 0,
                order.Second.Values.Sum(),
                Ngrams.Matches(order.First, order.Second),
            })];
            var score = Score(counts);
            if (score > bestScore)
            {
                (best, bestScore) = (counts, score);
            }
        }

        return best!;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, string Value)> SignatureParts() =>
    [
        ("case", _options.Lowercase ? "lc" : "mixed"),
        ("eff", YesNo(!_options.EpsilonSmoothing)),
        ("nc", _options.CharOrder.ToString(CultureInfo.InvariantCulture)),
        ("nw", _options.WordOrder.ToString(CultureInfo.InvariantCulture)),
        ("space", YesNo(_options.Whitespace)),
    ];

    private List<Dictionary<string, int>> CountNgrams(string sentence)
    {
        var text = _options.Lowercase ? PythonText.Lower(sentence) : sentence;
        var characters = PythonText.Characters(_options.Whitespace ? text : string.Concat(PythonText.Split(text)));
        var words = _options.WordOrder > 0 ? Words(text) : [];
        return
        [
            .. Enumerable.Range(1, _options.CharOrder).Select(order => Ngrams.Count(characters, order, "")),
            .. Enumerable.Range(1, _options.WordOrder).Select(order => Ngrams.Count(words, order, " ")),
        ];
    }

    /// <summary>Words with one mark split off: the last character where it is one, else the first. "(hi)" is "(hi" and ")", as in sacrebleu.</summary>
    private static List<string> Words(string text)
    {
        var words = new List<string>();
        foreach (var word in PythonText.Split(text))
        {
            string[] parts = word.Length == 1 ? [word]
                : Punctuation.Contains(word[^1], StringComparison.Ordinal) ? [word[..^1], word[^1..]]
                : Punctuation.Contains(word[0], StringComparison.Ordinal) ? [word[..1], word[1..]]
                : [word];
            words.AddRange(parts);
        }

        return words;
    }
}
