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
        var random = longest.Select((_, sentence) => new StableRandom(StableRandom.Key(seed, (ulong)sentence))).ToArray();
        var scratch = new float[model.Vocabulary];
        return StepwiseSearch.Run(model, begin, end, longest, (sentence, logits) =>
        {
            for (var i = 0; i < logits.Length; i++)
            {
                logits[i] = (float)(logits[i] / temperature);
            }

            var sum = LogProbabilities.LogSum(logits, scratch);
            var token = Draw(logits, sum, random[sentence].Unit());
            return (token, logits[token] - sum);
        });
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
