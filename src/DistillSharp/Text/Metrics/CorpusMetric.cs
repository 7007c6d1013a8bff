using System.Globalization;

namespace DistillSharp.Text.Metrics;

/// <summary>
/// A score of a whole test set computed from counts that add up over its sentences, as sacrebleu computes it: not the mean of
/// sentence scores. References are given sentence by sentence; empty ones are left out, so that sentences may have different numbers.
/// </summary>
public abstract class CorpusMetric
{
    /// <summary>Name as sacrebleu prints it, such as <c>BLEU</c> or <c>chrF2++</c>.</summary>
    public abstract string Name { get; }

    /// <summary>True where a larger score is better.</summary>
    public abstract bool HigherIsBetter { get; }

    /// <summary>The counts of one sentence; their sums over sentences are what <see cref="Score"/> takes.</summary>
    /// <param name="hypothesis">The output; may be empty.</param>
    /// <param name="references">One or more translations by people.</param>
    /// <exception cref="ArgumentException">No reference has any text.</exception>
    public double[] Count(string hypothesis, IReadOnlyList<string> references) => CountMatches(hypothesis, Given(references));

    /// <summary>The score, 0 to 100 (an error rate may be larger), of summed counts.</summary>
    public abstract double Score(ReadOnlySpan<double> counts);

    /// <summary>The counts of every sentence.</summary>
    /// <exception cref="ArgumentException">The numbers of sentences differ, there are none, or a sentence has no reference with text.</exception>
    public CorpusCounts CountAll(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references)
    {
        if (hypotheses.Count != references.Count || hypotheses.Count == 0)
        {
            throw new ArgumentException($"there are {hypotheses.Count} hypotheses for {references.Count} sentences with references; there must be one for each, and at least one");
        }

        var (sentences, numbers) = (new double[hypotheses.Count][], new HashSet<int>());
        for (var i = 0; i < sentences.Length; i++)
        {
            var given = Given(references[i], i);
            numbers.Add(given.Count);
            sentences[i] = CountMatches(hypotheses[i], given);
        }

        return new CorpusCounts(sentences, numbers.Count == 1 ? numbers.Single() : null);
    }

    /// <summary>sacrebleu's signature without its version: everything that a score depends on.</summary>
    /// <param name="references">References a sentence; null where the number varies.</param>
    public string Signature(int? references) =>
        string.Join('|', [$"nrefs:{references?.ToString(CultureInfo.InvariantCulture) ?? "var"}", .. SignatureParts().Select(part => $"{part.Key}:{part.Value}")]);

    /// <summary>Counts of one sentence against references that have text.</summary>
    protected abstract double[] CountMatches(string hypothesis, IReadOnlyList<string> references);

    /// <summary>The options in the signature, in its order.</summary>
    protected abstract IEnumerable<(string Key, string Value)> SignatureParts();

    /// <summary>"yes" or "no".</summary>
    protected static string YesNo(bool value) => value ? "yes" : "no";

    private static List<string> Given(IReadOnlyList<string> references, int? sentence = null)
    {
        var given = references.Where(reference => !string.IsNullOrEmpty(reference)).ToList();
        return given.Count > 0 ? given : throw new ArgumentException($"sentence{(sentence is { } i ? $" {i + 1}" : "")} has no reference with text");
    }
}

/// <summary>Counts of a metric, sentence by sentence.</summary>
/// <param name="Sentences">One array of counts a sentence.</param>
/// <param name="References">References a sentence; null where the number varies.</param>
public sealed record CorpusCounts(IReadOnlyList<double[]> Sentences, int? References)
{
    /// <summary>The counts of the corpus.</summary>
    public double[] Sum()
    {
        var sum = new double[Sentences[0].Length];
        foreach (var counts in Sentences)
        {
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += counts[i];
            }
        }

        return sum;
    }
}
