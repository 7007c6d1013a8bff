using DistillSharp.Losses.Golden;

namespace DistillSharp.Text.Metrics;

/// <summary>Adds the metrics of text to those that reference files can prove, with sacrebleu's option names.</summary>
public static class TextMetricProofs
{
    /// <summary>Adds them and returns the registry.</summary>
    public static MetricRegistry Register(MetricRegistry registry) => registry.Add("bleu", ProveBleu).Add("chrf", ProveChrF).Add("ter", ProveTer);

    private static GoldenScore ProveBleu(GoldenTestSet set, GoldenOptions options)
    {
        var smoothingValue = options.Number("smooth_value", double.NaN, 0);
        var score = Bleu.Corpus(set.Hypotheses, set.References, new BleuOptions
        {
            Tokenizer = BleuTokenizer.Named(options.Choice("tokenize", [.. BleuTokenizer.All.Select(tokenizer => tokenizer.Name)])),
            Lowercase = options.Flag("lowercase", false),
            Smoothing = options.Choice("smooth", "exp", "floor", "add-k", "none") switch
            {
                "exp" => BleuSmoothing.Exponential,
                "floor" => BleuSmoothing.Floor,
                "add-k" => BleuSmoothing.AddK,
                _ => BleuSmoothing.None,
            },
            SmoothingValue = double.IsNaN(smoothingValue) ? null : smoothingValue,
            EffectiveOrder = options.Flag("effective_order", false),
            MaxOrder = options.Whole("max_ngram_order", 4, 1),
        });
        return new GoldenScore(
            score.Score,
            new Dictionary<string, IReadOnlyList<double>>
            {
                ["precisions"] = score.Precisions,
                ["bp"] = [score.BrevityPenalty],
                ["counts"] = [.. score.Matches.Select(count => (double)count)],
                ["totals"] = [.. score.Totals.Select(count => (double)count)],
                ["sys_len"] = [score.HypothesisLength],
                ["ref_len"] = [score.ReferenceLength],
            },
            new Dictionary<string, string> { ["signature"] = score.Signature });
    }

    private static GoldenScore ProveChrF(GoldenTestSet set, GoldenOptions options) => Prove(set, new ChrF(new ChrFOptions
    {
        CharOrder = options.Whole("char_order", 6, 0),
        WordOrder = options.Whole("word_order", 0, 0),
        Beta = options.Number("beta", 2, 0),
        Lowercase = options.Flag("lowercase", false),
        Whitespace = options.Flag("whitespace", false),
        EpsilonSmoothing = options.Flag("eps_smoothing", false),
    }));

    private static GoldenScore ProveTer(GoldenTestSet set, GoldenOptions options) => Prove(set, new Ter(new TerOptions
    {
        Normalized = options.Flag("normalized", false),
        NoPunctuation = options.Flag("no_punct", false),
        AsianSupport = options.Flag("asian_support", false),
        CaseSensitive = options.Flag("case_sensitive", false),
    }));

    private static GoldenScore Prove(GoldenTestSet set, CorpusMetric metric)
    {
        var counts = metric.CountAll(set.Hypotheses, set.References);
        var sum = counts.Sum();
        var numbers = new Dictionary<string, IReadOnlyList<double>>();
        if (metric is Ter)
        {
            (numbers["num_edits"], numbers["ref_length"]) = ([sum[0]], [sum[1]]);
        }

        return new GoldenScore(metric.Score(sum), numbers, new Dictionary<string, string> { ["signature"] = metric.Signature(counts.References) });
    }
}
