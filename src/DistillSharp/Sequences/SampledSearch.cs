using DistillSharp.Data;

namespace DistillSharp.Sequences;

/// <summary>Draws tokens from the model's own distribution.</summary>
public static class SampledSearch
{
    /// <summary>An output for every sentence of a model of width 1; the same for the same seed.</summary>
    /// <param name="model">The model, opened for the sentences.</param>
    /// <param name="begin">Token that every output is begun with.</param>
    /// <param name="end">Token that ends an output.</param>
    /// <param name="longest">Most tokens of each output.</param>
    /// <param name="temperature">Divides the logits; above 0.</param>
    /// <param name="seed">Seed of the draws; each sentence has draws of its own.</param>
    public static Hypothesis[] Run(IStepModel model, int begin, int end, IReadOnlyList<int> longest, double temperature, ulong seed)
    {
        var outputs = longest.Select(_ => new List<int>()).ToArray();
        var (logProbabilities, found) = (new double[outputs.Length], new Hypothesis[outputs.Length]);
        var random = longest.Select((_, sentence) => new StableRandom(StableRandom.Key(seed, (ulong)sentence))).ToArray();
        var active = Enumerable.Range(0, outputs.Length).ToList();
        var (last, scratch, logits) = (Enumerable.Repeat(begin, active.Count).ToArray(), new float[model.Vocabulary], new float[active.Count * model.Vocabulary]);
        while (active.Count > 0)
        {
            model.Step(last, logits.AsSpan(0, active.Count * model.Vocabulary));
            var going = new List<int>(active.Count);
            for (var row = 0; row < active.Count; row++)
            {
                var sentence = active[row];
                var numbers = logits.AsSpan(row * model.Vocabulary, model.Vocabulary);
                for (var i = 0; i < numbers.Length; i++)
                {
                    numbers[i] = (float)(numbers[i] / temperature);
                }

                var sum = LogProbabilities.LogSum(numbers, scratch);
                var token = Draw(numbers, sum, random[sentence].Unit());
                logProbabilities[sentence] += numbers[token] - sum;
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

    private static int Draw(ReadOnlySpan<float> logits, double logSum, double place)
    {
        var passed = 0.0;
        for (var token = 0; token < logits.Length; token++)
        {
            passed += Math.Exp(logits[token] - logSum);
            if (passed > place)
            {
                return token;
            }
        }

        // Rounding may leave the sum a little below 1.
        return logits.Length - 1;
    }
}
