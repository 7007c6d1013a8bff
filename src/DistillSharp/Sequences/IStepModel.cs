namespace DistillSharp.Sequences;

/// <summary>
/// A model that writes sequences token by token and remembers what it has read. It holds the same number of hypotheses (the width)
/// for every sentence, those of a sentence next to each other. Logits are plain numbers, so that searches are the same whatever
/// engine computes them.
/// </summary>
public interface IStepModel : IDisposable
{
    /// <summary>Number of tokens.</summary>
    int Vocabulary { get; }

    /// <summary>Reads one more token of every hypothesis and gives the logits of the next.</summary>
    /// <param name="tokens">The tokens [hypotheses].</param>
    /// <param name="logits">Receives the logits [hypotheses, vocabulary].</param>
    void Step(ReadOnlySpan<int> tokens, Span<float> logits);

    /// <summary>Replaces the hypotheses: number i goes on from what number <paramref name="origins"/>[i], of the same sentence, has read.</summary>
    void Reorder(ReadOnlySpan<int> origins);

    /// <summary>Goes on with these sentences alone, in this order.</summary>
    void Keep(ReadOnlySpan<int> sentences);
}

/// <summary>Opens a model for a batch of inputs.</summary>
/// <param name="sources">Input tokens of every sentence.</param>
/// <param name="width">Hypotheses of a sentence.</param>
public delegate IStepModel OpenStepModel(IReadOnlyList<int[]> sources, int width);
