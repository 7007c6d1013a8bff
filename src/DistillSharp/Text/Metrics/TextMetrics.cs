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
