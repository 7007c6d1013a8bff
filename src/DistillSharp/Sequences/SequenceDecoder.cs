using DistillSharp.Data;

namespace DistillSharp.Sequences;

/// <summary>Decodes any number of inputs: in batches of like lengths, the results in the inputs' order.</summary>
/// <param name="open">Opens the model for a batch.</param>
/// <param name="tokens">Begin and end.</param>
/// <param name="options">How to search.</param>
public sealed class SequenceDecoder(OpenStepModel open, SequenceInfo tokens, DecodingOptions options)
{
    /// <summary>The best output for each input; none for an input without tokens.</summary>
    public Hypothesis[] Decode(IReadOnlyList<int[]> sources, CancellationToken cancellation = default) => [.. DecodeAll(sources, cancellation).Select(found => found[0])];

    /// <summary>The outputs of each input from the best on: one where the search is greedy, at most as many as the beam is wide else.</summary>
    public IReadOnlyList<Hypothesis>[] DecodeAll(IReadOnlyList<int[]> sources, CancellationToken cancellation = default)
    {
        var found = new IReadOnlyList<Hypothesis>[sources.Count];
        foreach (var (index, _) in sources.Index().Where(source => source.Item.Length == 0))
        {
            found[index] = [new Hypothesis([], 0, true)];
        }

        foreach (var batch in Batches(sources))
        {
            cancellation.ThrowIfCancellationRequested();
            using var model = open([.. batch.Select(index => sources[index])], options.Beam);
            List<int> longest = [.. batch.Select(index => options.LongestFor(sources[index].Length))];
            var outputs = Search(model, tokens, longest, options);
            for (var i = 0; i < batch.Count; i++)
            {
                found[batch[i]] = outputs[i];
            }
        }

        return found;
    }

    /// <summary>The outputs from the best on of every sentence that a model was opened for: greedy search, or a beam.</summary>
    internal static IReadOnlyList<Hypothesis>[] Search(IStepModel model, SequenceInfo tokens, IReadOnlyList<int> longest, DecodingOptions options) => options.Beam == 1
        ? [.. GreedySearch.Run(model, tokens.Begin, tokens.End, longest).Select(output => (IReadOnlyList<Hypothesis>)[output])]
        : BeamSearch.Run(model, tokens.Begin, tokens.End, longest, options);

    // From the longest on, so that what does not fit into memory fails at once and not in the end.
    private IEnumerable<List<int>> Batches(IReadOnlyList<int[]> sources)
    {
        var batch = new List<int>();
        foreach (var index in Enumerable.Range(0, sources.Count).Where(index => sources[index].Length > 0).OrderByDescending(index => sources[index].Length))
        {
            if (batch.Count > 0 && (batch.Count == options.BatchSize || (batch.Count + 1) * sources[batch[0]].Length > options.BatchTokens))
            {
                yield return batch;
                batch = [];
            }

            batch.Add(index);
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }
}
