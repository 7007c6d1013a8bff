using System.Globalization;

namespace DistillSharp.Text.Metrics;

/// <summary>What BLEU does about orders without a match (Chen and Cherry, A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU, WMT 2014).</summary>
public enum BleuSmoothing
{
    /// <summary><c>none</c>: the score is 0.</summary>
    None,

    /// <summary><c>floor</c>, method 1: the number of matches is a small value instead of 0.</summary>
    Floor,

    /// <summary><c>add-k</c>, method 2: k is added to matches and totals of all orders above 1.</summary>
    AddK,

    /// <summary><c>exp</c>, method 3, NIST's: the i-th order without a match counts 1/2ⁱ of a match.</summary>
    Exponential,
}

/// <summary>Options of BLEU; the defaults are sacrebleu's.</summary>
public sealed record BleuOptions
{
    /// <summary>How lines become words.</summary>
    public BleuTokenizer Tokenizer { get; init; } = BleuTokenizer.Mteval13a;

    /// <summary>True to ignore case.</summary>
    public bool Lowercase { get; init; }

    /// <summary>What is done about orders without a match.</summary>
    public BleuSmoothing Smoothing { get; init; } = BleuSmoothing.Exponential;

    /// <summary>Value of <c>floor</c> (0.1 where null) and <c>add-k</c> (1 where null).</summary>
    public double? SmoothingValue { get; init; }

    /// <summary>Longest n-gram.</summary>
    public int MaxOrder { get; init; } = 4;

    /// <summary>True to leave out orders for which the hypothesis is too short; right for single sentences.</summary>
    public bool EffectiveOrder { get; init; }
}

/// <summary>A BLEU score with what it is made of.</summary>
/// <param name="Score">0 to 100.</param>
/// <param name="Precisions">Share of n-grams that match, in percent, by order from 1.</param>
/// <param name="BrevityPenalty">exp(1 − reference/hypothesis) where the hypotheses are shorter, else 1.</param>
/// <param name="Matches">Matching n-grams by order, before smoothing.</param>
/// <param name="Totals">N-grams of the hypotheses by order, before smoothing.</param>
/// <param name="HypothesisLength">Words of the hypotheses.</param>
/// <param name="ReferenceLength">Words of the references, of each sentence the one nearest in length.</param>
/// <param name="Signature">Everything that the score depends on.</param>
public sealed record BleuScore(
    double Score,
    IReadOnlyList<double> Precisions,
    double BrevityPenalty,
    IReadOnlyList<long> Matches,
    IReadOnlyList<long> Totals,
    long HypothesisLength,
    long ReferenceLength,
    string Signature)
{
    /// <summary>Words of the hypotheses over words of the references; NaN where the references have none.</summary>
    public double LengthRatio => ReferenceLength > 0 ? (double)HypothesisLength / ReferenceLength : double.NaN;
}

/// <summary>
/// BLEU (Papineni et al., BLEU: a Method for Automatic Evaluation of Machine Translation, ACL 2002) with sacrebleu's tokenizers,
/// smoothing and signature: geometric mean of clipped n-gram precisions times the brevity penalty, in percent.
/// </summary>
public sealed class Bleu : CorpusMetric
{
    // The logarithm of 0 in sacrebleu; its exponential is 0 whatever it is averaged with.
    private const double LogOfZero = -9999999999;

    private readonly BleuOptions _options;

    /// <summary>BLEU with these options.</summary>
    /// <exception cref="ArgumentException">The order is below 1, or the smoothing value is negative.</exception>
    public Bleu(BleuOptions? options = null)
    {
        _options = options ?? new BleuOptions();
        if (_options.MaxOrder < 1 || _options.SmoothingValue is < 0 or double.NaN)
        {
            throw new ArgumentException("BLEU's order must be at least 1 and its smoothing value at least 0");
        }
    }

    /// <inheritdoc/>
    public override string Name => "BLEU";

    /// <inheritdoc/>
    public override bool HigherIsBetter => true;

    /// <summary>The score of a corpus.</summary>
    /// <exception cref="ArgumentException">See <see cref="CorpusMetric.CountAll"/>.</exception>
    public static BleuScore Corpus(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references, BleuOptions? options = null)
    {
        var bleu = new Bleu(options);
        var counts = bleu.CountAll(hypotheses, references);
        return bleu.Explain(counts.Sum(), counts.References);
    }

    /// <summary>
    /// The score of one sentence with effective order, as sacrebleu's <c>sentence_bleu</c>: exponential smoothing unless told
    /// otherwise. Sentence scores rank translations of one source; their mean is no BLEU of a corpus.
    /// </summary>
    /// <exception cref="ArgumentException">No reference has any text.</exception>
    public static BleuScore Sentence(string hypothesis, IReadOnlyList<string> references, BleuOptions? options = null) =>
        Corpus([hypothesis], [references], (options ?? new BleuOptions()) with { EffectiveOrder = true });

    /// <inheritdoc/>
    public override double Score(ReadOnlySpan<double> counts) => Explain(counts, null).Score;

    /// <summary>The score of summed counts with its parts.</summary>
    /// <param name="counts">Lengths of hypotheses and references, matches by order, totals by order.</param>
    /// <param name="references">References a sentence, for the signature; null where the number varies.</param>
    public BleuScore Explain(ReadOnlySpan<double> counts, int? references)
    {
        var (hypothesisLength, referenceLength) = (counts[0], counts[1]);
        var matches = counts.Slice(2, _options.MaxOrder).ToArray();
        var totals = counts.Slice(2 + _options.MaxOrder, _options.MaxOrder).ToArray();
        var penalty = hypothesisLength >= referenceLength ? 1 : hypothesisLength > 0 ? Math.Exp(1 - (referenceLength / hypothesisLength)) : 0;
        var (precisions, orders) = Precisions(matches, totals);
        var score = orders == 0 ? 0 : penalty * Math.Exp(precisions.Take(orders).Sum(precision => precision == 0 ? LogOfZero : Math.Log(precision)) / orders);
        return new BleuScore(
            score, precisions, penalty, [.. matches.Select(match => (long)match)], [.. totals.Select(total => (long)total)],
            (long)hypothesisLength, (long)referenceLength, Signature(references));
    }

    /// <inheritdoc/>
    protected override double[] CountMatches(string hypothesis, IReadOnlyList<string> references)
    {
        var words = Words(hypothesis);
        var referenceWords = references.Select(Words).ToList();
        var order = _options.MaxOrder;
        var counts = new double[2 + (2 * order)];
        counts[0] = words.Count;
        counts[1] = referenceWords.Select(reference => reference.Count).OrderBy(length => Math.Abs(words.Count - length)).ThenBy(length => length).First();
        for (var n = 1; n <= order; n++)
        {
            var clipped = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var (ngram, count) in referenceWords.SelectMany(reference => Ngrams.Count(reference, n, " ")))
            {
                clipped[ngram] = Math.Max(clipped.GetValueOrDefault(ngram), count);
            }

            counts[1 + n] = Ngrams.Matches(Ngrams.Count(words, n, " "), clipped);
            counts[1 + order + n] = Math.Max(0, words.Count - n + 1);
        }

        return counts;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, string Value)> SignatureParts() =>
    [
        ("case", _options.Lowercase ? "lc" : "mixed"),
        ("eff", YesNo(_options.EffectiveOrder)),
        ("tok", _options.Tokenizer.Name),
        ("smooth", _options.Smoothing switch
        {
            BleuSmoothing.None => "none",
            BleuSmoothing.Floor => string.Create(CultureInfo.InvariantCulture, $"floor[{SmoothingValue:F2}]"),
            BleuSmoothing.AddK => string.Create(CultureInfo.InvariantCulture, $"add-k[{SmoothingValue:F2}]"),
            _ => "exp",
        }),
    ];

    private double SmoothingValue => _options.SmoothingValue ?? (_options.Smoothing == BleuSmoothing.Floor ? 0.1 : 1);

    private IReadOnlyList<string> Words(string line) => _options.Tokenizer.Tokenize(_options.Lowercase ? PythonText.Lower(line) : line);

    /// <summary>Smoothed precisions in percent, and how many orders the score averages: 0 where nothing matches at all.</summary>
    private (double[] Precisions, int Orders) Precisions(double[] matches, double[] totals)
    {
        var precisions = new double[_options.MaxOrder];
        if (matches.All(match => match == 0))
        {
            return (precisions, 0);
        }

        var (orders, halved) = (_options.MaxOrder, 1.0);
        for (var n = 0; n < precisions.Length; n++)
        {
            var added = _options.Smoothing == BleuSmoothing.AddK && n > 0 ? SmoothingValue : 0;
            var (match, total) = (matches[n] + added, totals[n] + added);
            if (total == 0)
            {
                break;
            }

            orders = _options.EffectiveOrder ? n + 1 : orders;
            precisions[n] = match > 0 ? 100 * match / total : _options.Smoothing switch
            {
                BleuSmoothing.Exponential => 100 / ((halved *= 2) * total),
                BleuSmoothing.Floor => 100 * SmoothingValue / total,
                _ => 0,
            };
        }

        return (precisions, orders);
    }
}
