#region sample
using DistillSharp.Text.Metrics;

namespace DistillSharp.Samples;

public static class MetricsSample
{
    public static string Compare(string[] distilled, string[] plain, string[][] references)
    {
        var bleu = Bleu.Corpus(distilled, references, new BleuOptions { Tokenizer = BleuTokenizer.International });
        var gain = CorpusComparison.Of(new ChrF(), distilled, plain, references);
        return FormattableString.Invariant(
            $"BLEU {bleu.Score:F1} ({bleu.Signature}); chrF2 {gain.Difference.Value:+0.0;-0.0} [{gain.Difference.Low:F1}, {gain.Difference.High:F1}]");
    }
}
#endregion
