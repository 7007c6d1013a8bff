using DistillSharp.Evaluation;

namespace DistillSharp.Text.Metrics;

/// <summary>The metrics of translations as results hold them.</summary>
public static class TextMetrics
{
    /// <summary>Adds them to a catalog and returns it.</summary>
    public static MetricCatalog AddTo(MetricCatalog catalog) => catalog
        .Add(new("bleu", "BLEU", "clipped n-gram precision of a corpus times a brevity penalty, 0 to 100 (sacrebleu's tokenizers, smoothing and signature)", MetricUnit.Number, MetricDirection.Higher)
        {
            Paper = "Papineni et al., BLEU, ACL 2002; Post, A Call for Clarity in Reporting BLEU Scores, WMT 2018",
        })
        .Add(new("bleu_greedy", "BLEU greedy", "BLEU of greedy search on the test split", MetricUnit.Number, MetricDirection.Higher) { OfCounts = counts => new Bleu().Score(counts) })
        .Add(new("bleu_beam", "BLEU beam", "BLEU of beam search on the test split", MetricUnit.Number, MetricDirection.Higher) { OfCounts = counts => new Bleu().Score(counts) })
        .Add(new("beam_gain", "beam − greedy", "BLEU of beam search less that of greedy search", MetricUnit.Number, MetricDirection.Neither))
        .Add(new("length_ratio_greedy", "length greedy", "words that greedy search writes on the test split, over words of the references (tokenizer 13a); below 1 BLEU's brevity penalty counts", MetricUnit.Number, MetricDirection.Neither))
        .Add(new("length_ratio_beam", "length beam", "words that beam search writes on the test split, over words of the references (tokenizer 13a)", MetricUnit.Number, MetricDirection.Neither))
        .Add(new("chrf_greedy", "chrF2 greedy", "chrF2 of greedy search on the test split", MetricUnit.Number, MetricDirection.Higher))
        .Add(new("chrf_beam", "chrF2 beam", "chrF2 of beam search on the test split", MetricUnit.Number, MetricDirection.Higher))
        .Add(new("tokens_per_second", "tokens/s greedy", "target tokens that greedy search writes in a second, in batches", MetricUnit.Number, MetricDirection.Higher))
        .Add(new("tokens_per_second_beam", "tokens/s beam", "target tokens of the best outputs that beam search writes in a second, in batches", MetricUnit.Number, MetricDirection.Higher))
        .Add(new("sentence_ms", "ms/sentence", "median milliseconds in which greedy search translates a test sentence that comes alone", MetricUnit.Milliseconds, MetricDirection.Lower))
        .Add(new("chrf", "chrF2", "F score of character n-grams, recall counting twice, 0 to 100", MetricUnit.Number, MetricDirection.Higher)
        {
            Paper = "Popović, chrF, WMT 2015",
        })
        .Add(new("chrf_plus_plus", "chrF2++", "chrF with n-grams of up to two words", MetricUnit.Number, MetricDirection.Higher)
        {
            Paper = "Popović, chrF++, WMT 2017",
        })
        .Add(new("ter", "TER", "insertions, deletions, substitutions and shifts of blocks over words of the reference, in percent", MetricUnit.Number, MetricDirection.Lower)
        {
            Paper = "Snover et al., A Study of Translation Edit Rate, AMTA 2006",
        });
}
