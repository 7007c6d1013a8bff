namespace DistillSharp.Sequences;

/// <summary>Takes the most probable token at every step.</summary>
public static class GreedySearch
{
    /// <summary>The output for every sentence of a model of width 1.</summary>
    /// <param name="model">The model, opened for the sentences; their number changes as they end.</param>
    /// <param name="begin">Token that every output is begun with.</param>
    /// <param name="end">Token that ends an output.</param>
    /// <param name="longest">Most tokens of each output.</param>
    public static Hypothesis[] Run(IStepModel model, int begin, int end, IReadOnlyList<int> longest)
    {
        var margins = longest.Select(_ => new List<double>()).ToArray();
        var scratch = new float[model.Vocabulary];
        var best = new (float Value, int Index)[2];
        var found = StepwiseSearch.Run(model, begin, end, longest, (sentence, logits) =>
        {
            LogProbabilities.Top(logits, best);
            margins[sentence].Add(best[0].Value - best[1].Value);
            return (best[0].Index, best[0].Value - LogProbabilities.LogSum(logits, scratch));
        });
        return [.. found.Select((output, sentence) => output with { Margins = margins[sentence] })];
    }
}
