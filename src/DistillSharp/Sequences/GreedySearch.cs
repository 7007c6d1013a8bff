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
        var outputs = longest.Select(_ => new List<int>()).ToArray();
        var margins = longest.Select(_ => new List<double>()).ToArray();
        var (logProbabilities, found) = (new double[outputs.Length], new Hypothesis[outputs.Length]);
        var active = Enumerable.Range(0, outputs.Length).ToList();
        var (last, scratch, logits) = (Enumerable.Repeat(begin, active.Count).ToArray(), new float[model.Vocabulary], new float[active.Count * model.Vocabulary]);
        Span<(float Value, int Index)> best = stackalloc (float, int)[2];
        while (active.Count > 0)
        {
            model.Step(last, logits.AsSpan(0, active.Count * model.Vocabulary));
            var going = new List<int>(active.Count);
            for (var row = 0; row < active.Count; row++)
            {
                var sentence = active[row];
                var numbers = logits.AsSpan(row * model.Vocabulary, model.Vocabulary);
                LogProbabilities.Top(numbers, best);
                var token = best[0].Index;
                logProbabilities[sentence] += best[0].Value - LogProbabilities.LogSum(numbers, scratch);
                margins[sentence].Add(best[0].Value - best[1].Value);
                if (token != end)
                {
                    outputs[sentence].Add(token);
                }

                if (token == end || outputs[sentence].Count >= longest[sentence])
                {
                    found[sentence] = new Hypothesis([.. outputs[sentence]], logProbabilities[sentence], token == end) { Margins = margins[sentence] };
                }
                else
                {
                    going.Add(row);
                }
            }

            if (going.Count < active.Count)
            {
                active = [.. going.Select(row => active[row])];
                if (active.Count > 0)
                {
                    model.Keep([.. going]);
                }
            }

            last = [.. active.Select(sentence => outputs[sentence][^1])];
        }

        return found;
    }
}
