using DistillSharp.Sequences.Transformers;

namespace DistillSharp.Text.Models;

/// <summary>What it takes to translate a sentence.</summary>
public static class TransformerCost
{
    /// <summary>
    /// Multiply-adds of encoding a sentence and decoding it greedily with what is remembered: those of linear layers, of attention and of the
    /// output; not those of normalisation and of single numbers.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="source">Tokens of the source, its end counted; a mean over sentences is right but for attention.</param>
    /// <param name="target">Tokens that are written, the end counted.</param>
    public static double MultiplyAdds(TransformerModel network, double source, double target)
    {
        var options = network.Options;
        var (square, feedForward) = ((double)options.Width * options.Width, 2.0 * options.Width * options.Hidden);
        var encoder = (source * ((4 * square) + feedForward)) + (2 * source * source * options.Width);
        // A token attends to itself and to those before it.
        var history = options.Decoder == DecoderKind.Ssru ? 2 * square * target : (4 * square * target) + (target * (target + 1) * options.Width);
        var cross = (2 * square * target) + (2 * square * source) + (2 * source * target * options.Width);
        var output = target * options.Width * network.Tokens.Vocabulary;
        return (options.EncoderLayers * encoder) + (options.DecoderLayers * (history + cross + (target * feedForward))) + output;
    }
}
