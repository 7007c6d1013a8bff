namespace DistillSharp.Sequences;

/// <summary>A network that writes sequences.</summary>
public interface ISequenceNetwork
{
    /// <summary>Opens it for a batch of inputs; it must be in evaluation mode, and stays the caller's.</summary>
    /// <param name="sources">Input tokens of every sentence.</param>
    /// <param name="width">Hypotheses of a sentence.</param>
    IStepModel OpenSteps(IReadOnlyList<int[]> sources, int width);
}
