namespace DistillSharp.Sequences;

/// <summary>Chooses the next token of a sentence.</summary>
/// <param name="sentence">Number of the sentence.</param>
/// <param name="logits">Its logits, which may be overwritten.</param>
internal delegate (int Token, double LogProbability) TokenChoice(int sentence, Span<float> logits);

/// <summary>Writes one output for every sentence, token by token; how a token is chosen is given.</summary>
internal static class StepwiseSearch
{
    /// <summary>The output for every sentence of a model of width 1.</summary>
    /// <param name="model">The model, opened for the sentences; their number changes as they end.</param>
    /// <param name="begin">Token that every output is begun with.</param>
    /// <param name="end">Token that ends an output.</param>
    /// <param name="longest">Most tokens of each output.</param>
    /// <param name="choose">Chooses tokens.</param>
    public static Hypothesis[] Run(IStepModel model, int begin, int end, IReadOnlyList<int> longest, TokenChoice choose)
    {
        var outputs = longest.Select(_ => new List<int>()).ToArray();
        var (logProbabilities, found) = (new double[outputs.Length], new Hypothesis[outputs.Length]);
        var active = Enumerable.Range(0, outputs.Length).ToList();
        var (last, logits) = (Enumerable.Repeat(begin, active.Count).ToArray(), new float[active.Count * model.Vocabulary]);
        while (active.Count > 0)
        {
            model.Step(last, logits.AsSpan(0, active.Count * model.Vocabulary));
            var going = new List<int>(active.Count);
            for (var row = 0; row < active.Count; row++)
            {
                var sentence = active[row];
                var (token, logProbability) = choose(sentence, logits.AsSpan(row * model.Vocabulary, model.Vocabulary));
                logProbabilities[sentence] += logProbability;
                if (token != end)
                {
                    outputs[sentence].Add(token);
                }

                if (token == end || outputs[sentence].Count >= longest[sentence])
                {
                    found[sentence] = new Hypothesis([.. outputs[sentence]], logProbabilities[sentence], token == end);
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
